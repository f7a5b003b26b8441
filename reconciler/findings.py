"""What ``doctor`` finds: one finding a part, ok or with what to do. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from reconciler.dialogue import RuntimeFacts
from reconciler.fault import ProviderError
from reconciler.render import PLAIN, Style, count, escape
from reconciler.render_json import JsonObject

Verdict = Literal["ok", "warning", "problem"]
_SKEW = 5.0
"""Seconds between two clocks that nobody notices."""
_TIGHT, _FULL = 0.10, 0.02
"""Shares of the disk that are free: below the first it is told, below the second nothing can be deployed."""
_GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of what a pass needs, as it was found. ``part`` is a word of the JSON output's own: engine,
    clock, disk, limits, builder, registry, image, route, git, secret, lock, specs; ``name`` says which."""

    part: str
    name: str
    verdict: Verdict
    seen: str
    remedy: str = ""
    code: str = ""


def found_fault(part: str, name: str, error: ProviderError, verdict: Verdict = "problem") -> Finding:
    """A part that answered with an error."""
    seen = error.seen + (f" (expected {error.expected})" if error.expected else "")
    return Finding(part, name, verdict, seen, error.remedy, error.code)


def judge_runtime(facts: RuntimeFacts) -> tuple[Finding, ...]:
    """The engine's own parts: version, clock, disk, limits."""
    engine = Finding("engine", "", "ok", f"{facts.version}, API {facts.api}")
    return (engine, _judge_clock(facts.skew), *_judge_disk(facts.disk), *_judge_limits(facts))


def _judge_clock(skew: float) -> Finding:
    seen = f"{abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} this machine's"
    if abs(skew) <= _SKEW:
        return Finding("clock", "", "ok", seen)
    return Finding(
        "clock", "", "warning", seen, "set both clocks by NTP: ages and certificates depend on them"
    )


def _judge_disk(disk: tuple[int, int] | None) -> tuple[Finding, ...]:
    if disk is None or disk[1] <= 0:
        return ()
    free, whole = disk
    seen = f"{free / _GIB:.1f} of {whole / _GIB:.1f} GiB free where the engine keeps images and volumes"
    share = free / whole
    verdict: Verdict = "problem" if share < _FULL else "warning" if share < _TIGHT else "ok"
    return (
        Finding("disk", "", verdict, seen, "" if verdict == "ok" else "docker system df; docker image prune"),
    )


def _judge_limits(facts: RuntimeFacts) -> tuple[Finding, ...]:
    if facts.lacks:
        seen, remedy = (
            f"the engine keeps no {', no '.join(facts.lacks)}",
            "turn on these cgroups in the kernel",
        )
        return (Finding("limits", "", "warning", seen, remedy),)
    return (Finding("limits", "", "ok", "memory, swap, cpu and process limits are kept"),)


def judge_floating(references: Iterable[str], environment: str) -> Finding:
    """References whose meaning can change without a commit."""
    floating = sorted(set(references))
    if not floating:
        return Finding("lock", "", "ok", "every reference from outside is a digest, in git")
    shown = ", ".join(floating[:4]) + (f" and {len(floating) - 4} more" if len(floating) > 4 else "")
    seen = f"{count(len(floating), 'tag')} can move without a commit: {shown}"
    return Finding("lock", "", "warning", seen, "reconciler lock")


def judge_secrets(present: Sequence[str], missing: Sequence[str], place: str) -> tuple[Finding, ...]:
    """The secrets that are named: which have a value here; never the value. ``place`` is where one goes."""
    lacking = tuple(
        Finding("secret", name, "problem", "it has no value here", f"write {place}/{name}")
        for name in missing
    )
    if not present:
        return lacking or (Finding("secret", "", "ok", "none is named"),)
    verb = "has a value" if len(present) == 1 else "have a value"
    return (Finding("secret", "", "ok", f"{', '.join(present)} {verb}"), *lacking)


def has_problem(findings: Iterable[Finding]) -> bool:
    """Whether anything must be mended before a pass can do its work."""
    return any(finding.verdict == "problem" for finding in findings)


def render_findings(findings: Sequence[Finding], style: Style = PLAIN) -> str:
    """One line a finding, and what to do below it."""
    paint = {"ok": style.good, "warning": style.warn, "problem": style.bad}
    titles = [f"{finding.part} {finding.name}".rstrip() for finding in findings]
    width = min(30, max((len(title) for title in titles), default=0))
    lines: list[str] = []
    for finding, title in zip(findings, titles, strict=True):
        verdict = paint[finding.verdict](finding.verdict.ljust(7))
        code = f"  [{finding.code}]" if finding.code else ""
        lines.append(f"{verdict}  {escape(title).ljust(width)}  {escape(finding.seen)}{code}")
        if finding.remedy:
            lines.append(f"{'':{width + 11}}{style.faint(f'-> {escape(finding.remedy)}')}")
    return "\n".join(lines) + "\n"


def findings_json(findings: Sequence[Finding]) -> JsonObject:
    """The members of output ``doctor``, in the order of the lines."""
    return {
        "checks": [
            {
                "part": finding.part,
                "name": finding.name or None,
                "result": finding.verdict,
                "seen": finding.seen,
                "remedy": finding.remedy or None,
                "code": finding.code or None,
            }
            for finding in findings
        ]
    }

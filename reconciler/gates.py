"""Whether a promotion may happen: what the gates ask, what is known, now -> one result for each gate. Pure.

A result that is None is neither passed nor failed: it cannot be told, and nothing is promoted on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from reconciler.gate_order import Hotfix, hotfix_allowed, order_results
from reconciler.gate_result import GateResult, in_order
from reconciler.render import count, format_duration, format_time
from reconciler.repository import Kinship
from reconciler.windows import allowed_from, frozen_by, is_open
from specs.promotion import Gates, Promotion
from specs.release import InsteadOf, Refusal, ReleasedService


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check of the gates gave, for one service or for all. ``passed`` is None where it could not be
    asked."""

    name: str
    service_name: str | None
    passed: bool | None
    seen: str


@dataclass(frozen=True, slots=True)
class Approval:
    """Somebody approved, and how that is known: a verified signature, or a review at the forge."""

    who: str
    how: Literal["signature", "review"]
    where: str = ""
    """The commit or the pull request."""


@dataclass(frozen=True, slots=True)
class Approvals:
    """Who approved. ``unknown``: why there may be more; empty where everybody was asked."""

    given: tuple[Approval, ...] = ()
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A service that is to be promoted, and what is known of it where it was proved and where it goes."""

    service_name: str
    healthy_since: float | None
    """Of the instances that serve now; None where that is not known."""
    ready: int
    is_job: bool = False
    kinship: Kinship | None = None
    """How the commit that is pinned now is related to this one's; None: nothing is pinned yet."""
    hotfix: Hotfix = "none"
    """What becomes of the hotfix that is pinned now, if it is one."""
    refusal: Refusal | None = None
    """A rollback refused exactly this."""
    is_hotfix: bool = False
    """It goes past the environment that is followed: there is no proof of it there."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known when a promotion is judged. Approval is no part of it: it is asked of the commit that
    says so, when there is one (``reconciler.pin_gates``)."""

    candidates: tuple[Candidate, ...]
    source: str
    """The environment that is promoted from."""
    read_at: float | None = None
    """When a record of the source was written; None: the source itself was read now."""
    record_age: float = 3600.0
    checks: tuple[CheckResult, ...] = ()
    is_automatic: bool = False
    again: bool = False
    """Take what a rollback refused."""
    drop: frozenset[str] = field(default_factory=frozenset)
    """Services whose hotfix may be lost."""


def judge(promotion: Promotion, facts: Facts, now: float) -> tuple[GateResult, ...]:
    """Every gate that is asked for, sorted by name and service."""
    gates = promotion.gates
    results = [*_proof(facts, now), *_checks(gates, facts), *clock_results(gates, now)]
    for candidate in facts.candidates:
        results += _health(gates, candidate, facts, now)
        results += _history(promotion, candidate, facts)
    return in_order(results)


def refusal_of(entry: ReleasedService | None, candidate: InsteadOf) -> Refusal | None:
    """The refusal in an entry that is about exactly this generation."""
    for refusal in entry.refused if entry else ():
        same_form = (refusal.fingerprint, refusal.input) == (candidate.fingerprint, candidate.input)
        if same_form and refusal.digest in (None, candidate.digest):
            return refusal
    return None


def _proof(facts: Facts, now: float) -> Iterator[GateResult]:
    if facts.read_at is None:
        return
    age, oldest = max(0.0, now - facts.read_at), facts.record_age
    passed = True if age <= oldest else None
    seen = f"the record of {facts.source} was written {format_duration(age)} ago"
    remedy = "" if passed else f"look whether the loop of {facts.source} runs; it writes the record"
    yield GateResult("proof", None, passed, seen, f"at most {_exactly(oldest)} ago", remedy=remedy)


def _health(gates: Gates, candidate: Candidate, facts: Facts, now: float) -> Iterator[GateResult]:
    """What must be seen where it was proved. A hotfix was proved nowhere; a job serves nothing."""
    if candidate.is_hotfix or candidate.is_job:
        return
    name = candidate.service_name
    if gates.instances:
        seen = f"{count(candidate.ready, 'instance')} healthy in {facts.source}"
        expected = f"at least {gates.instances}"
        remedy = f"reconciler status {facts.source}"
        passed = candidate.ready >= gates.instances
        yield GateResult("instances", name, passed, seen, expected, remedy="" if passed else remedy)
    if gates.soak:
        yield _soak(gates.soak, candidate, facts, now)


def _soak(soak: float, candidate: Candidate, facts: Facts, now: float) -> GateResult:
    name, expected, since = candidate.service_name, f"healthy for {_exactly(soak)}", candidate.healthy_since
    if since is None:
        seen = f"since when it is healthy in {facts.source} is not known"
        return GateResult("soak", name, None, seen, expected, remedy=f"reconciler status {facts.source}")
    seen = f"healthy in {facts.source} for {format_duration(now - since)}"
    passed = now - since >= soak
    return GateResult("soak", name, passed, seen, expected, None if passed else since + soak)


def _exactly(seconds: float) -> str:
    """A time as it is written in a spec: what is asked for is not rounded."""
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    parts = [f"{hours:g}h" if hours else "", f"{minutes:g}m" if minutes else "", f"{left:g}s" if left else ""]
    return "".join(parts) or "0s"


def _checks(gates: Gates, facts: Facts) -> Iterator[GateResult]:
    expected = {"http": "an answer as written", "command": "exit code 0", "commit_status": "success"}
    for check in gates.checks:
        found = [result for result in facts.checks if result.name == check.name]
        kind = "http" if check.http else "command" if check.command else "commit_status"
        for result in found:
            name = f"check {check.name}"
            yield GateResult(name, result.service_name, result.passed, result.seen, expected[kind])
        chosen = {candidate.service_name for candidate in facts.candidates}
        if not found and (check.service is None or check.service in chosen):
            yield GateResult(f"check {check.name}", None, None, "it was not asked", expected[kind])


def _history(promotion: Promotion, candidate: Candidate, facts: Facts) -> Iterator[GateResult]:
    name = candidate.service_name
    if candidate.is_hotfix:
        yield hotfix_allowed(promotion, name)
    yield from order_results(name, candidate.kinship, candidate.hotfix, is_dropped=name in facts.drop)
    if candidate.refusal is not None:
        yield _refused(candidate, candidate.refusal, facts)


def _refused(candidate: Candidate, refusal: Refusal, facts: Facts) -> GateResult:
    passed = facts.again and not facts.is_automatic
    reason = f": {refusal.reason}" if refusal.reason else ""
    remedy = "" if passed else "promote something else, or the same on purpose: --again"
    seen = f"a rollback refused exactly this{reason}"
    return GateResult("refused", candidate.service_name, passed, seen, "what nobody refused", remedy=remedy)


def clock_results(gates: Gates, now: float) -> Iterator[GateResult]:
    """Windows and freezes."""
    if gates.windows:
        passed = is_open(gates.windows, now)
        seen = "a window is open" if passed else "no window is open"
        yield GateResult(
            "windows", None, passed, seen, "an open window", None if passed else allowed_from(gates, now)
        )
    if gates.freezes:
        frozen = frozen_by(gates.freezes, now)
        if frozen is None:
            yield GateResult("freezes", None, True, "no freeze holds", "no freeze")
            return
        freeze, end = frozen
        reason = f" ({freeze.reason})" if freeze.reason else ""
        seen = f"frozen until {format_time(end)}{reason}"
        yield GateResult("freezes", None, False, seen, "no freeze", allowed_from(gates, now) or end)

"""An output as a comment: a marker by which it is found again, a table, and the rest folded away. Pure.

Made of nothing but what ``--json`` prints, so that it can be made again elsewhere, of an output that is not
trusted: every text in it goes through ``render_markdown``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.outputs.drift import DriftedPart, DriftOutput, SeenPart
from reconciler.outputs.parts import DiffPart, Envelope, ProblemPart, WaitPart
from reconciler.outputs.plan import PlanMembers, PlanOutput
from reconciler.outputs.read import Output
from reconciler.plan_summary import Row, counted, rows
from reconciler.render import count, escape, format_value
from reconciler.render_markdown import MAX_BYTES, code_span, fence, fold, size, table

_MARKER: Final = re.compile(
    r"<!-- reconciler:(plan|drift|validate):([a-z0-9-]{1,63})?/([a-z0-9-]{1,63})? -->(?:\r?\n|$)"
)
_HEX: Final = re.compile(r"[0-9a-f]{40,64}")
_CHANGE: Final = ("what", "change", "why", "interrupts")
_NOTICES: Final = 8_000
_ROWS: Final = 24_000
"""Bytes of what must be seen, and of the table of changes; the fields have what is left."""


@dataclass(frozen=True, slots=True)
class Topic:
    """What a comment is about. A verb that failed early does not know its project, or its environment."""

    verb: str
    project: str | None
    environment: str | None

    @property
    def marker(self) -> str:
        """The first line of the comment. Nothing in it but names of ours."""
        return f"<!-- reconciler:{self.verb}:{self.project or ''}/{self.environment or ''} -->"

    def is_of(self, other: Topic) -> bool:
        """Whether both are about one thing, as far as both know what they are about."""
        pairs = ((self.project, other.project), (self.environment, other.environment))
        return self.verb == other.verb and all(
            one == another or None in (one, another) for one, another in pairs
        )


def read_topic(text: str) -> Topic | None:
    """What a comment of ours is about; None where it is none."""
    found = _MARKER.match(text)
    return Topic(found[1], found[2], found[3]) if found else None


def render_comment(output: Output, topic: Topic) -> str:
    """The whole comment, at most ``MAX_BYTES`` long."""
    head = f"{topic.marker}\n### {_title(output, topic)}\n\n"
    match output:
        case PlanOutput():
            body = _plan(output, MAX_BYTES - size(head))
        case DriftOutput():
            body = _drift(output, MAX_BYTES - size(head))
        case _:
            body = _problems(output.problems, MAX_BYTES - size(head) - 100) or "no problem\n"
    return head + body


def _title(output: Envelope, topic: Topic) -> str:
    what = {"plan": "Plan for", "drift": "Drift of"}.get(topic.verb, "Check of")
    name = f"{topic.project}/{topic.environment}" if topic.project else topic.environment or "the specs"
    commit = (output.commit or "").removesuffix("-dirty")
    at = f" at `{commit[:10]}`" if _HEX.fullmatch(commit) else ""
    return f"{what} {name}{at}"


def _plan(plan: PlanOutput, room: int) -> str:
    changes = rows(plan)
    seen = _seen_first(plan)
    parts = [_PRESENCE[plan.presence], table(*_summary(plan, changes)), seen, _policy(plan)]
    if changes:
        cells = [_cells(row) for row in changes]
        listed = table(_CHANGE, cells, _ROWS)
        parts.append(fold(count(len(changes), "change"), listed))
    if plan.on_promotion is not None:
        parts.append(_on_promotion(plan.on_promotion))
    fields = [line for row in changes for line in _field_lines(row)]
    fields += [f"Image {name}: {what}" for name, image in plan.images.items() for what in image.changed]
    fields += [f"waits: {w.subject.kind} {w.subject.name}: {w.reason}" for w in _from_outside(plan)]
    left = room - sum(size(part) + 1 for part in parts) - 1_000
    if fields:
        parts.append(fold("Fields, causes and waits", _fenced(fields, left)))
    if plan.unknown:
        parts.append(
            f"Not asked, so not known: {code_span(', '.join(it.what for it in plan.unknown), 300)}\n"
        )
    return "\n".join(part for part in parts if part)


def _on_promotion(plan: PlanMembers) -> str:
    """Of an environment that follows another: what comes later than the merge."""
    changes = rows(plan)
    if not changes:
        return "Nothing changes on promotion.\n"
    listed = table(_CHANGE, [_cells(row) for row in changes], _ROWS // 2)
    return fold(f"{count(len(changes), 'change')} when all of it is promoted", listed)


def _from_outside(plan: PlanOutput) -> list[WaitPart]:
    """What waits for somebody. What we or time end is part of the way there."""
    return [wait for wait in plan.waits if wait.ender == "outside"]


_PRESENCE: Final = {
    "kept": "",
    "new": "The environment is **new**.\n",
    "gone": "The environment's document is **gone**; what runs is left as it is.\n",
}


def _policy(plan: PlanOutput) -> str:
    """What says where things run and what is allowed is shown, and judged by what the base says."""
    if not plan.policy:
        return ""
    lines = [f"{it.subject}: {it.path}: {_value(it.before)} -> {_value(it.after)}" for it in plan.policy]
    return f"**Policy** changed here; shown, not used:\n\n{_fenced(lines, _NOTICES)}"


def _summary(plan: PlanOutput, changes: Sequence[Row]) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    columns = {**counted(changes), "waits": len(_from_outside(plan)), "blocks": len(plan.blocks)}
    return list(columns), [[f"**{n}**" if n else "0" for n in columns.values()]]


def _seen_first(output: Envelope) -> str:
    """What nobody may miss: problems, blocks, what could not be read. Never folded away."""
    lines = [_problem_line(problem) for problem in output.problems]
    for block in output.blocks if isinstance(output, PlanOutput) else ():
        lines.append(f"blocked: {block.subject.kind} {block.subject.name}: {block.reason}  [{block.code}]")
        lines += [f"  {block.remedy}"] if block.remedy else []
    if isinstance(output, PlanOutput) and output.prune_id:
        lines.append(f"what goes has the prune id {output.prune_id}")
    lines += [f"cannot tell ({unread.what}): {unread.reason}" for unread in output.unreadable]
    return _fenced(lines, _NOTICES) if lines else ""


def _problems(problems: Sequence[ProblemPart], room: int) -> str:
    return _fenced([_problem_line(problem) for problem in problems], room) if problems else ""


def _fenced(lines: Sequence[str], room: int) -> str:
    """Each of them one line, whatever is in it."""
    return fence("\n".join(escape(line) for line in lines), room)


def _problem_line(problem: ProblemPart) -> str:
    where = ":".join(str(p) for p in (problem.file, problem.line, problem.column) if p is not None)
    told = problem.seen + (f", expected {problem.expected}" if problem.expected else "")
    told += f" ({problem.remedy})" if problem.remedy else ""
    level = "warning: " if problem.severity == "warning" else ""
    return level + ": ".join(part for part in (where, problem.subject, f"{told}  [{problem.code}]") if part)


def _cells(row: Row) -> list[str]:
    # Rounded up: it is a promise.
    interrupts = "" if row.interrupts is None else f"at most {math.ceil(row.interrupts)} s"
    return [code_span(f"{row.kind} {row.name}".strip()), row.words(code_span), code_span(row.why), interrupts]


def _field_lines(row: Row) -> list[str]:
    shown = [diff for diff in row.diffs if diff.verdict == "different"]
    if not shown and not row.refs:
        return []
    return [f"{row.kind} {row.name}: {', '.join(row.refs)}".rstrip(": "), *map(_diff_line, shown)]


def _diff_line(diff: DiffPart) -> str:
    before = diff.live if diff.origin == "live" else diff.applied
    after = diff.desired if diff.origin == "commit" or diff.desired is not None else diff.applied
    return f"  {diff.path}: {_value(before)} -> {_value(after)}"


def _drift(drift: DriftOutput, room: int) -> str:
    words = {"clean": "no drift", "drifted": "**drift**", "cannot_tell": "**cannot tell**"}
    so = sum(service.result == drift.result for service in drift.services)
    head = f"{words[drift.result]} in {count(so, 'service')}"
    notes = (
        f"{head}; {count(drift.pending, 'difference')} not deployed yet\n" if drift.pending else f"{head}\n"
    )
    parts = [notes, _seen_first(drift)]
    told = [service for service in drift.services if service.result != "clean"]
    if told:
        columns = ("service", "result", "since", "what differs", "apply would")
        parts.append(table(columns, [_drift_cells(service) for service in told], _ROWS))
        fields = [line for service in told for line in _drift_lines(service)]
        left = room - sum(size(part) + 1 for part in parts) - 200
        parts.append(fold("Fields", _fenced(fields, left)))
    return "\n".join(part for part in parts if part)


def _drift_cells(service: DriftedPart) -> list[str]:
    paths = [diff.path for diff in service.diffs if diff.origin == "live"]
    paths += [f"{count(service.missing, 'instance')} gone"] if service.missing else []
    paths += [f"{count(len(service.extra), 'instance')} too many"] if service.extra else []
    more = f" and {len(paths) - 6} more" if len(paths) > 6 else ""
    return [
        code_span(service.service),
        service.result.replace("_", " "),
        service.since or "",
        code_span(", ".join(paths[:6]) + more, 200),
        code_span(", ".join(service.heal)),
    ]


def _drift_lines(service: DriftedPart) -> list[str]:
    lines = [f"service {service.service}: {service.result.replace('_', ' ')}"]
    for diff in (d for d in service.diffs if d.origin == "live"):
        told = f"applied {_value(diff.applied)}, lives {_value(diff.live)}"
        is_different = diff.verdict == "different"
        lines.append(f"  {diff.path}: {told if is_different else diff.verdict.replace('_', ' ')}")
    lines += [f"  {count(service.missing, 'instance')} gone"] if service.missing else []
    lines += [f"  one too many: {s.instance.name if s.instance else s.name}" for s in service.extra]
    lines += [f"  seen: {_deed(seen)}" for seen in service.seen]
    lines += [f"  a heal would: {step}" for step in service.heal_steps]
    lines += [f"  not now: {service.withheld}"] if service.withheld else []
    return lines + [f"  left alone: {i.path} ({i.reason})" for i in service.ignored]


def _deed(seen: SeenPart) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in seen.facts.items())
    of = f" of {seen.container}" if seen.container else ""
    return f"{seen.action}{of} at {seen.at or 'an unknown time'}" + (f" ({facts})" if facts else "")


def _value(value: object) -> str:
    try:
        return format_value(json.loads(json.dumps(value)))
    except RecursionError:
        return "…"

"""The progress and the end of an ``apply`` as text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.actions import Action, RetireInstance
from reconciler.decision import Ender, Outcome, Plan, Wait
from reconciler.desired import Desired, Json
from reconciler.evidence import Evidence, is_held_name
from reconciler.hand_stop import how_to_keep
from reconciler.observed import Observed
from reconciler.ownership import Owner
from reconciler.render import PLAIN, Style, count, escape, format_duration, short_commit, shorten
from reconciler.render_action import BOOKKEEPING, describe, describe_cause
from reconciler.render_json import JsonObject, outcome_json
from reconciler.render_mask import mask_action, mask_plan
from reconciler.render_plan import remaining_json, render_block, render_unreadable, render_wait

_WORDS = {
    "settled": "settled",
    "waiting": "waiting",
    "blocked": "blocked",
    "held": "failed: the new version is held",
    "rolled_back": "failed and rolled back: the version before serves",
    "unreadable": "cannot tell",
    "failed": "failed",
}


@dataclass(frozen=True, slots=True)
class ApplyView:
    """What is shown of the end of an ``apply``: the last look, what is left, what was done. ``duration`` in
    seconds; ``timed_out``: it was still waiting."""

    desired: Desired
    observed: Observed
    plan: Plan
    result: str
    passes: int
    duration: float
    outcomes: tuple[Outcome, ...]
    timed_out: bool = False
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    """Service name -> what its held instance left, free of secrets."""


def render_pass(
    desired: Desired,
    observed: Observed,
    ended: Iterable[Outcome],
    started: Iterable[Action],
    style: Style = PLAIN,
) -> list[str]:
    """The lines of one pass: what ended, what began. Markers are bookkeeping and are not shown."""
    lines = []
    for outcome in ended:
        if not isinstance(outcome.action, BOOKKEEPING) or outcome.result == "failed":
            lines += render_outcome(outcome, style)
    for action in started:
        if not isinstance(action, BOOKKEEPING):
            shown = mask_action(action, desired, observed)
            lines.append(f"{style.act('>')} {describe(shown)}  {style.faint(describe_cause(shown.cause))}")
            hint = how_to_keep(desired.owner, action)
            lines += [style.faint(f"  if that was meant: {hint}")] if hint else []
    return lines


def render_waiting(wait: Wait, now: float, style: Style = PLAIN) -> str:
    """One wait on time as progress: what is waited for, and for how long at least."""
    left = wait.recheck_at - now if wait.recheck_at is not None else 0.0
    about = f" (about {format_duration(left)})" if left >= 1 else ""
    return style.faint(f". {escape(wait.subject.name)} waits: {shorten(wait.reason)}{about}")


def render_outcome(outcome: Outcome, style: Style = PLAIN) -> list[str]:
    """How an action ended; the last lines that a failed one wrote, what went wrong in one that was done."""
    took = format_duration(outcome.duration)
    if outcome.result != "failed":
        done = f"{style.good('<')} {describe(outcome.action)}: {outcome.result} in {took}"
        return [done, f"{style.bad('!')} {escape(outcome.error)}"] if outcome.error else [done]
    code = f"  [{outcome.code}]" if outcome.code else ""
    lines = [f"{style.bad('!')} {describe(outcome.action)}: {escape(outcome.error or 'failed')}{code}"]
    return lines + [f"    | {escape(line)}" for line in outcome.log_tail]


def render_apply(view: ApplyView, style: Style = PLAIN) -> str:
    """The end: what is left, and the result in one line."""
    lines = render_unreadable(view.observed.unreadable, style)
    for block in view.plan.blocks:
        lines += [f"{block.subject.kind.lower()} {style.bold(escape(block.subject.name))}"]
        lines += render_block(block, style)
        lines += render_evidence(view.evidence.get(block.subject.name) if block.held else None)
    for wait in view.plan.waits:
        if view.timed_out or wait.ender is Ender.OUTSIDE or wait.expects == "attempt":
            lines += [f"{wait.subject.kind.lower()} {escape(wait.subject.name)}", render_wait(wait, style)]
    passes = count(view.passes, "pass", "passes")
    paint = style.good if view.result == "settled" else style.bad
    where = f"{view.desired.owner} at {short_commit(view.desired.commit)}"
    words = _WORDS[view.result] + (" when the time was over" if view.timed_out else "")
    end = f"{where}: {paint(words)} after {passes} in {format_duration(view.duration)}"
    return "\n".join([*lines, end + _done_words(view)]) + "\n"


def render_evidence(evidence: Evidence | None) -> list[str]:
    """How it ended, what the engine and its health check said, and what it wrote last."""
    if evidence is None:
        return []
    ended = [f"exit code {evidence.exit_code}"] if evidence.exit_code is not None else []
    ended += ["killed for memory"] if evidence.out_of_memory else []
    lines = [f"    {escape(evidence.instance)}: {', '.join(ended)}"] if ended else []
    lines += [f"    | {escape(evidence.error, 300)}"] if evidence.error else []
    lines += [f"    | health check: {escape(line, 300)}" for line in evidence.health]
    return lines + [f"    | {escape(line, 300)}" for line in evidence.log]


def is_hold(action: Action) -> bool:
    """Whether it holds a failed instance: what is told louder than other steps."""
    return isinstance(action, RetireInstance) and is_held_name(action.name)


def hold_words(outcome: Outcome, owner: Owner) -> dict[str, object]:
    """A hold for a log that is read by who may read logs: why, what it wrote last, and the way forward."""
    name = outcome.action.subject.name
    return {
        "action": describe(outcome.action),
        "cause": describe_cause(outcome.action.cause),
        "log": list(outcome.log_tail),
        "next": [f"reconciler {verb} {owner.environment} {name}" for verb in ("logs", "retry")],
    }


def _evidence_json(service_name: str, evidence: Evidence, with_logs: bool) -> JsonObject:
    """One held service; what it wrote only for ``--logs``."""
    health: list[Json] = [*evidence.health] if with_logs else []
    log: list[Json] = [*evidence.log] if with_logs else []
    return {
        "service": service_name,
        "instance": evidence.instance,
        "reason": evidence.reason,
        "exit_code": evidence.exit_code,
        "out_of_memory": evidence.out_of_memory,
        "error": evidence.error or None,
        "health": health,
        "log": log,
    }


def _done_words(view: ApplyView) -> str:
    counted = [o for o in view.outcomes if not isinstance(o.action, BOOKKEEPING)]
    if not counted:
        return "; nothing to do" if view.result == "settled" else ""
    failed = sum(o.result == "failed" for o in counted)
    done = count(len(counted) - failed, "action")
    return f"; {done} done" + (f", {failed} failed" if failed else "")


def apply_json(view: ApplyView, with_logs: bool) -> JsonObject:
    """The members of output ``apply`` (contracts, section 3)."""
    plan = mask_plan(view.plan, view.desired, view.observed)
    return {
        "result": view.result,
        "passes": view.passes,
        "duration_s": round(view.duration, 3),
        "outcomes": [outcome_json(outcome, with_logs) for outcome in view.outcomes],
        "held": [_evidence_json(name, found, with_logs) for name, found in sorted(view.evidence.items())],
        "remaining": remaining_json(plan),
    }

"""A plan as text and as JSON. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from reconciler.actions import Action
from reconciler.decision import Block, Plan, Wait
from reconciler.desired import Desired
from reconciler.difference import Diff, Verdict
from reconciler.observed import Observed, Unreadable
from reconciler.ownership import short_digest
from reconciler.references import References
from reconciler.render import (
    PLAIN,
    Style,
    count,
    escape,
    format_value,
    short_commit,
    shorten,
)
from reconciler.render_action import BOOKKEEPING, describe, describe_cause, interruption, subject_key, verb_of
from reconciler.render_json import JsonObject, action_json, block_json, sorted_objects, wait_json
from reconciler.render_mask import mask_plan
from reconciler.render_references import images_json, render_references
from reconciler.render_why import render_change
from specs.inputs import Change

_ORDER = ("Registry", "Network", "Volume", "Image", "Config", "Service")
_MAX_STEPS = 12
_MAX_DIFFS = 6
_LONG = 600.0
"""Seconds from which on people count in minutes."""


@dataclass(frozen=True, slots=True)
class PlanView:
    """What is shown of one decision. ``forecast`` has one plan a pass, the present one first."""

    desired: Desired
    observed: Observed
    plan: Plan
    forecast: tuple[Plan, ...] = ()
    changes: Mapping[str, Sequence[Change]] = field(default_factory=dict)
    """Image name -> the inputs in which the image to be built differs from the one that runs."""
    references: References = References()


def view_plan(
    desired: Desired,
    observed: Observed,
    plan: Plan,
    forecast: Sequence[Plan] = (),
    changes: Mapping[str, Sequence[Change]] | None = None,
) -> PlanView:
    """The view of a plan, with every secret masked."""
    masked = tuple(mask_plan(step, desired, observed) for step in forecast)
    return PlanView(desired, observed, mask_plan(plan, desired, observed), masked, changes or {})


def render_plan(view: PlanView, style: Style = PLAIN) -> str:
    """The plan as a person reads it: what, why, what it waits for, what is blocked, and what follows."""
    where = f"{view.desired.owner} at {short_commit(view.desired.commit)}"
    lines = [style.bold(where)]
    lines += render_unreadable(view.observed.unreadable, style)
    for key in _subject_keys(view.plan):
        lines += _render_subject(key, view.plan, style)
        lines += render_changes(view.changes.get(key[1], ()) if key[0] == "Image" else ())
    lines += _render_forecast(view.forecast, style)
    lines += render_references(view.references, style)
    if view.plan.prune_id:
        lines.append(f"prune id {view.plan.prune_id}")
    lines.append(summarise(view.plan, style))
    return "\n".join(lines) + "\n"


def summarise(plan: Plan, style: Style = PLAIN) -> str:
    """The last line: how much there is to do."""
    if not (plan.actions or plan.waits or plan.blocks):
        return style.good("nothing to do")
    parts = [
        count(len(plan.actions), "action"),
        count(len(plan.waits), "wait"),
        count(len(plan.blocks), "block"),
    ]
    return ", ".join(parts) + ("; settled" if plan.settled else "")


def render_unreadable(unreadable: Iterable[Unreadable], style: Style) -> list[str]:
    """One line for each reason why something could not be read, with all that it hides."""
    hidden: dict[str, list[str]] = {}
    for entry in unreadable:
        hidden.setdefault(entry.reason, []).append(entry.what)
    return [
        style.warn(f"cannot tell ({escape(', '.join(what))}): {escape(reason)}")
        for reason, what in hidden.items()
    ]


def _subject_keys(plan: Plan) -> list[tuple[str, str]]:
    subjects = [part.subject for part in (*plan.actions, *plan.waits, *plan.blocks)]
    return sorted({subject_key(s) for s in subjects}, key=lambda key: (_rank(key[0]), key))


def _rank(kind: str) -> int:
    return _ORDER.index(kind) if kind in _ORDER else len(_ORDER)


def _render_subject(key: tuple[str, str], plan: Plan, style: Style) -> list[str]:
    lines = [f"{key[0].lower()} {style.bold(shorten(key[1]))}" if key[1] else key[0].lower()]
    for action in plan.actions:
        if subject_key(action.subject) == key:
            lines += render_action(action, style)
    for wait in plan.waits:
        if subject_key(wait.subject) == key:
            lines.append(render_wait(wait, style))
    for block in plan.blocks:
        if subject_key(block.subject) == key:
            lines += render_block(block, style)
    return lines


def render_changes(changes: Sequence[Change]) -> list[str]:
    """The inputs of an image that changed."""
    lines = [f"    {render_change(change)}" for change in changes[:_MAX_DIFFS]]
    if len(changes) > _MAX_DIFFS:
        lines.append(f"    … and {count(len(changes) - _MAX_DIFFS, 'more input')}")
    return lines


def render_action(action: Action, style: Style) -> list[str]:
    """The action, why, what it interrupts, and the fields that differ."""
    lines = [f"  {style.act(describe(action))}", f"    {style.faint(describe_cause(action.cause))}"]
    shown = [d for d in action.cause.diffs if d.verdict is Verdict.DIFFERENT]
    lines += [f"    {render_diff(diff)}" for diff in shown[:_MAX_DIFFS]]
    if len(shown) > _MAX_DIFFS:
        lines.append(f"    … and {count(len(shown) - _MAX_DIFFS, 'more field')}")
    longest = interruption(action)
    if longest is not None:
        lines.append(f"    {interruption_words(action.subject.name, longest, style)}")
    return lines


def render_diff(diff: Diff) -> str:
    """One difference: path, the old value, the new one."""
    before = diff.live if diff.origin == "live" else diff.applied
    after = diff.desired if diff.origin == "commit" or diff.desired is not None else diff.applied
    return f"{escape(diff.path)}: {format_value(before)} -> {format_value(after)}"


def render_wait(wait: Wait, style: Style) -> str:
    """One wait and who ends it."""
    who = {"us": "", "time": "", "outside": " (until somebody acts)"}[wait.ender.value]
    of = f"{shorten(wait.subject.instance)}: " if wait.subject.instance else ""
    return style.faint(f"  waits: {of}{shorten(wait.reason)}{who}")


def render_block(block: Block, style: Style) -> list[str]:
    """One block and the way out."""
    word = "held" if block.held else "blocked"
    lines = [style.bad(f"  {word}: {shorten(block.reason)}  [{escape(block.code)}]")]
    return [*lines, f"    {shorten(block.remedy)}"] if block.remedy else lines


def _render_forecast(forecast: Sequence[Plan], style: Style) -> list[str]:
    """What follows the present pass, in one line."""
    following = [action for step in forecast[1:] for action in step.actions]
    steps = [_step_words(action) for action in following if not isinstance(action, BOOKKEEPING)]
    runs = [(words, len(list(group))) for words, group in groupby(steps)]
    shown = [words if n == 1 else f"{words} ×{n}" for words, n in runs]
    if not shown:
        return []
    if len(shown) > _MAX_STEPS:
        shown = [*shown[:_MAX_STEPS], f"… and {count(len(shown) - _MAX_STEPS, 'more step')}"]
    passes = count(len(forecast), "pass", "passes")
    interrupted: dict[str, float] = {}
    for action in following:
        interrupted[action.subject.name] = max(
            interruption(action) or 0.0, interrupted.get(action.subject.name, 0.0)
        )
    return [
        f"{style.bold('then')}: {', '.join(shown)} ({passes})",
        *(interruption_words(name, longest, style) for name, longest in interrupted.items() if longest),
    ]


def interruption_words(service_name: str, longest: float, style: Style) -> str:
    """For how long a service may be interrupted."""
    # Rounded up: it is a promise.
    words = f"{math.ceil(longest)} s" if longest < _LONG else f"{math.ceil(longest / 60)} min"
    return style.warn(f"interrupts {escape(service_name)} for at most {words}")


def _step_words(action: Action) -> str:
    name = action.subject.name.partition("@")[0]
    return f"{verb_of(action).replace('-', ' ')} {shorten(name)}".rstrip()


def plan_json(view: PlanView) -> JsonObject:
    """The members of output ``plan`` (contracts, section 3) that follow the envelope's."""
    plan = view.plan
    return {
        "plan_id": plan_id(view),
        "prune_id": plan.prune_id,
        "base": None,
        "settled": plan.settled,
        "actions": sorted_objects([action_json(a) for a in plan.actions], "subject", "verb"),
        "waits": sorted_objects([wait_json(w) for w in plan.waits], "subject", "reason"),
        "blocks": sorted_objects([block_json(b) for b in plan.blocks], "subject", "code"),
        "forecast": [
            {
                "pass": number,
                "actions": sorted_objects([action_json(a) for a in step.actions], "subject", "verb"),
            }
            for number, step in enumerate(view.forecast, 1)
        ],
        "images": images_json(view.desired, view.observed, view.references, view.changes),
    }


def remaining_json(plan: Plan) -> JsonObject:
    """``remaining`` of output ``apply``."""
    return {
        "actions": sorted_objects([action_json(a) for a in plan.actions], "subject", "verb"),
        "waits": sorted_objects([wait_json(w) for w in plan.waits], "subject", "reason"),
        "blocks": sorted_objects([block_json(b) for b in plan.blocks], "subject", "code"),
    }


def plan_id(view: PlanView) -> str:
    """A digest over owner, commit and what would be done: two plans with one id do the same."""
    parts = [str(view.desired.owner), view.desired.commit]
    parts += sorted(f"{verb_of(a)} {a.subject}" for a in view.plan.actions)
    parts += sorted(f"block {b.code} {b.subject}" for b in view.plan.blocks)
    return short_digest("\n".join(parts))

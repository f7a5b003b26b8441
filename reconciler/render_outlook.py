"""An offline plan as text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.decision import Ender
from reconciler.desired import Json
from reconciler.difference import Verdict
from reconciler.observed import Observed
from reconciler.outlook import UNKNOWN, Effect, Outlook
from reconciler.policy_changes import PolicyChange
from reconciler.render import PLAIN, Style, count, escape, format_value, short_commit, shorten
from reconciler.render_action import describe_cause
from reconciler.render_json import JsonObject
from reconciler.render_plan import (
    PlanView,
    interruption_words,
    plan_json,
    render_block,
    render_changes,
    render_diff,
    render_unreadable,
    render_wait,
)
from reconciler.render_references import render_references

_MAX_DIFFS = 6
_MAX_POLICY = 50


def render_outlook(outlook: Outlook, style: Style = PLAIN) -> str:
    """The plan as who reviews the change reads it: what, why, what it interrupts, what is blocked, which
    policy it edits, and what cannot be known."""
    lines = [style.bold(title(outlook)), *render_unreadable(outlook.unreadable, style)]
    lines += _render_changes(outlook, style)
    if outlook.promoted is not None:
        words = f"when all is promoted as {short_commit(outlook.desired.commit)} has it"
        told = _render_changes(outlook.promoted, style)
        lines += [style.bold(words), *(told or [f"  {style.good('nothing changes')}"])]
    lines += render_references(outlook.references, style)
    lines += render_policy(outlook.policy, outlook.policy_ref, style)
    lines.append(style.faint(f"nobody was asked, so not known: {'; '.join(UNKNOWN.values())}"))
    lines.append(summarise_outlook(outlook, style))
    return "\n".join(lines) + "\n"


def _render_changes(outlook: Outlook, style: Style) -> list[str]:
    lines: list[str] = []
    for effect in outlook.effects:
        lines += _render_effect(effect, outlook, style)
    lines += _render_unused_images(outlook)
    return lines + _render_rest(outlook, style)


def title(outlook: Outlook) -> str:
    """Whose plan it is, and of which two commits."""
    owner, after = escape(str(outlook.desired.owner)), short_commit(outlook.desired.commit)
    if outlook.presence == "new":
        return f"{owner} at {after}: a new environment"
    return f"{owner} at {after}, where {short_commit(outlook.before)} runs"


def summarise_outlook(outlook: Outlook, style: Style = PLAIN) -> str:
    """The last line: how much would change."""
    if outlook.presence == "gone":
        return "it left git: what runs there is left as it is"
    changed, blocks = outlook.effects, len(outlook.plan.blocks)
    if not changed and not blocks:
        return style.good("nothing changes") if outlook.plan.settled else "nothing changes yet"
    parts = [count(len(changed), "object changes", "objects change")]
    interrupted = sum(effect.longest is not None for effect in changed)
    removed = sum(effect.removes for effect in changed)
    parts += [f"{count(interrupted, 'is', 'are')} interrupted"] if interrupted else []
    parts += [f"{count(removed, 'is', 'are')} removed"] if removed else []
    parts += [count(blocks, "block")] if blocks else []
    return ", ".join(parts)


def _render_effect(effect: Effect, outlook: Outlook, style: Style) -> list[str]:
    steps = ", ".join(f"{verb.replace('-', ' ')}{f' ×{n}' if n > 1 else ''}" for verb, n in effect.steps)
    shown = style.bad(steps) if effect.removes else style.act(steps)
    name = f"{effect.kind.lower()} {style.bold(shorten(effect.name))}"
    lines = [f"{name}: {shown}{' (unless it is built already)' if effect.kind == 'Image' else ''}"]
    if effect.kind == "Image":
        return [*lines, *_render_input(effect.name, outlook)]
    lines.append(f"  {style.faint(describe_cause(effect.cause))}")
    diffs = [diff for diff in effect.cause.diffs if diff.verdict is Verdict.DIFFERENT]
    lines += [f"  {shorten(render_diff(diff))}" for diff in diffs[:_MAX_DIFFS]]
    if len(diffs) > _MAX_DIFFS:
        lines.append(f"  … and {count(len(diffs) - _MAX_DIFFS, 'more field')}")
    if effect.longest is not None:
        lines.append(f"  {interruption_words(effect.name, effect.longest, style)}")
    return lines


def _render_input(image_name: str, outlook: Outlook) -> list[str]:
    before, image = outlook.images.get(image_name), outlook.desired.images.get(image_name)
    if image is None:
        return []
    words = (
        f"input {shorten(before)} -> {shorten(image.key)}" if before else f"new: input {shorten(image.key)}"
    )
    return [f"  {words}", *render_changes(outlook.inputs.get(image_name, ()))]


def _render_unused_images(outlook: Outlook) -> list[str]:
    """Images that cannot be built, or wait: what changed in them is told all the same."""
    built = {effect.name for effect in outlook.effects if effect.kind == "Image"}
    lines: list[str] = []
    for name, image in sorted(outlook.desired.images.items()):
        if name not in built and outlook.images.get(name) != image.key:
            lines += [f"image {escape(name)}", *_render_input(name, outlook)]
    return lines


def _render_rest(outlook: Outlook, style: Style) -> list[str]:
    lines = []
    for wait in dict.fromkeys(w for w in outlook.plan.waits if w.ender is Ender.OUTSIDE):
        lines.append(f"{wait.subject.kind.lower()} {shorten(wait.subject.name)}".rstrip())
        lines.append(render_wait(wait, style))
    for block in outlook.plan.blocks:
        lines.append(f"{block.subject.kind.lower()} {shorten(block.subject.name)}".rstrip())
        lines += render_block(block, style)
    if outlook.plan.prune_id:
        lines.append(f"prune id {outlook.plan.prune_id}")
    return lines


def render_policy(changes: Sequence[PolicyChange], ref: str | None, style: Style) -> list[str]:
    """The policy that the change edits, and which branch decides: a loop has it from its Run file, else from
    the remote's default branch."""
    if not changes:
        return []
    where = f"it counts once it is on {escape(ref)}" if ref else "this clone names no branch that decides"
    lines = [style.warn(f"policy changed by this change (shown, not used); {where}")]
    for it in changes[:_MAX_POLICY]:
        values = f"{format_value(it.before)} -> {format_value(it.after)}"
        lines.append(f"  {escape(it.subject)} {escape(it.path)}: {values}")
    if len(changes) > _MAX_POLICY:
        lines.append(f"  … and {count(len(changes) - _MAX_POLICY, 'more field')}")
    return lines


def outlook_json(outlook: Outlook, base: str) -> JsonObject:
    """The members of output ``plan`` for an offline plan. ``base``: the commit compared with."""
    nothing_seen = Observed(at=0.0)
    view = PlanView(
        outlook.desired, nothing_seen, outlook.plan, outlook.forecast, outlook.inputs, outlook.references
    )
    members = plan_json(view)
    images = members["images"]
    for name, before in outlook.images.items():
        image = images.get(name) if isinstance(images, dict) else None
        if isinstance(image, dict):
            image["before"] = before
    promoted = outlook_json(outlook.promoted, base) if outlook.promoted is not None else None
    return {
        **members,
        "base": base,
        "presence": outlook.presence,
        "policy_ref": outlook.policy_ref,
        "policy": policy_json(outlook.policy),
        "unknown": unknown_json(),
        "on_promotion": promoted,
    }


def policy_json(changes: Sequence[PolicyChange]) -> list[Json]:
    """The policy that the change edits."""
    return [
        {"subject": it.subject, "path": it.path, "before": it.before, "after": it.after} for it in changes
    ]


def unknown_json() -> list[Json]:
    """What only a look could tell."""
    return [{"what": what, "reason": reason} for what, reason in sorted(UNKNOWN.items())]

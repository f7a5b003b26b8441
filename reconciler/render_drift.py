"""Drift as text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reconciler.deeds import Deed
from reconciler.desired import Desired, Json
from reconciler.difference import Diff, Verdict
from reconciler.drift import IgnoredDiff, ServiceDrift
from reconciler.observed import Observed
from reconciler.render import (
    PLAIN,
    Style,
    count,
    escape,
    format_duration,
    format_time,
    format_value,
    short_commit,
)
from reconciler.render_json import JsonObject, diff_json, sorted_objects, subject_json
from reconciler.render_mask import mask_diffs, secret_paths
from reconciler.render_plan import render_unreadable

_STEPS = 4
"""Steps of a heal that are told; the rest is counted."""


def mask_drift(
    drifts: Sequence[ServiceDrift], desired: Desired, observed: Observed
) -> tuple[ServiceDrift, ...]:
    """The same drifts as they may be shown, sorted by service."""
    masked = [
        replace(d, diffs=mask_diffs(d.diffs, secret_paths(d.service_name, desired, observed))) for d in drifts
    ]
    return tuple(sorted(masked, key=lambda drift: drift.service_name))


def overall(drifts: Sequence[ServiceDrift]) -> str:
    """``drifted``, ``cannot_tell`` or ``clean``: a proven difference outranks an unread one."""
    results = {drift.result for drift in drifts}
    return next((r for r in ("drifted", "cannot_tell") if r in results), "clean")


def render_drift(
    drifts: Sequence[ServiceDrift], desired: Desired, observed: Observed, style: Style = PLAIN
) -> str:
    """Drift as a person reads it; ``drifts`` are masked already."""
    lines = [style.bold(f"{desired.owner} at {short_commit(desired.commit)}")]
    lines += render_unreadable(observed.unreadable, style)
    for drift in drifts:
        lines += _render_service(drift, style)
    lines.append(summarise_drift(drifts))
    return "\n".join(lines) + "\n"


def summarise_drift(drifts: Sequence[ServiceDrift]) -> str:
    """The last line."""
    pending = sum(drift.pending for drift in drifts)
    waiting = f"; {count(pending, 'difference')} not deployed yet" if pending else ""
    drifted = [drift for drift in drifts if drift.result == "drifted"]
    if drifted:
        return f"drift in {count(len(drifted), 'service')}{waiting}"
    words = {"clean": "no drift", "cannot_tell": "cannot tell"}
    return words[overall(drifts)] + waiting


def _render_service(drift: ServiceDrift, style: Style) -> list[str]:
    words = {"clean": style.good("clean"), "drifted": style.bad("drifted")}
    since = f" since {format_time(drift.since)}" if drift.since is not None else ""
    lines = [
        f"service {style.bold(escape(drift.service_name))}: {words.get(drift.result, 'cannot tell')}{since}"
    ]
    lines += [f"  {_render_live(d)}" for d in drift.diffs if d.origin == "live"]
    if drift.missing:
        lines.append(f"  {count(drift.missing, 'instance')} gone")
    lines += [f"  one too many: {escape(s.instance or s.name)}" for s in drift.extra]
    lines += [f"  left alone: {escape(i.path)} ({escape(i.reason)}{_until(i)})" for i in drift.ignored]
    lines += [f"  seen: {describe_deed(deed)}" for deed in drift.seen]
    if drift.heal:
        lines.append(style.faint(f"  {_heal_words(drift)}"))
    return lines


def describe_deed(deed: Deed) -> str:
    """``docker container kill of shop_dev_web_1a2b3c4d_1 at 2026-01-31T12:00:00Z (signal 9)``."""
    name = f" of {escape(deed.name)}" if deed.name else ""
    facts = ", ".join(f"{key} {escape(value, 100)}" for key, value in deed.facts)
    return f"{escape(deed.action)}{name} at {format_time(deed.at)}" + (f" ({facts})" if facts else "")


def _heal_words(drift: ServiceDrift) -> str:
    shown = [escape(step) for step in drift.heal_steps[:_STEPS]] or list(drift.heal)
    more = len(drift.heal_steps) - _STEPS
    words = ", ".join(shown) + (f" and {more} more" if more > 0 else "")
    longest = f" (interrupts at most {format_duration(drift.interrupts)})" if drift.interrupts else ""
    not_now = f"; not now: {escape(drift.withheld)}" if drift.withheld else ""
    return f"a heal would: {words}{longest}{not_now}"


def _until(ignored: IgnoredDiff) -> str:
    return f"; until {escape(ignored.until)}" if ignored.until else ""


def _render_live(diff: Diff) -> str:
    if diff.verdict is Verdict.DIFFERENT:
        return f"{escape(diff.path)}: applied {format_value(diff.applied)}, lives {format_value(diff.live)}"
    return f"{escape(diff.path)}: {diff.verdict.value.replace('_', ' ')}"


def drift_json(drifts: Sequence[ServiceDrift]) -> JsonObject:
    """The members of output ``drift``; ``drifts`` are masked already."""
    return {
        "result": overall(drifts),
        "pending": sum(drift.pending for drift in drifts),
        "services": [_service_json(drift) for drift in drifts],
    }


def _service_json(drift: ServiceDrift) -> JsonObject:
    ignored: list[Json] = [{"path": i.path, "reason": i.reason, "until": i.until} for i in drift.ignored]
    return {
        "service": drift.service_name,
        "result": drift.result,
        "since": format_time(drift.since),
        "diffs": sorted_objects([diff_json(d) for d in drift.diffs], "path", "origin"),
        "missing": drift.missing,
        "extra": sorted_objects([subject_json(s) for s in drift.extra], "name"),
        "heal": list(drift.heal),
        "heal_steps": list(drift.heal_steps),
        "interrupts": None if drift.interrupts is None else {"max_s": drift.interrupts},
        "withheld": drift.withheld,
        "seen": [_deed_json(deed) for deed in drift.seen],
        "ignored": ignored,
    }


def _deed_json(deed: Deed) -> JsonObject:
    return {
        "at": format_time(deed.at),
        "action": deed.action,
        "container": deed.name or None,
        "facts": dict(deed.facts),
    }

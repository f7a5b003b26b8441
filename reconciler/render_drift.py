"""Drift as text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reconciler.desired import Desired, Json
from reconciler.difference import Diff, Verdict
from reconciler.drift import ServiceDrift
from reconciler.observed import Observed
from reconciler.render import PLAIN, Style, count, escape, format_time, format_value, short_commit
from reconciler.render_json import JsonObject, diff_json, sorted_objects, subject_json
from reconciler.render_mask import mask_diffs, secret_paths
from reconciler.render_plan import render_unreadable


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
    lines += [f"  left alone: {escape(i.path)} ({escape(i.reason)})" for i in drift.ignored]
    if drift.heal:
        lines.append(style.faint(f"  apply would: {', '.join(drift.heal)}"))
    return lines


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
        "ignored": ignored,
    }

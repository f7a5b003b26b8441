"""``why`` as text and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.desired import Json
from reconciler.lookback import Lookback, Version
from reconciler.render import PLAIN, Style, escape, format_value, short_commit, shorten
from reconciler.render_json import JsonObject, diff_json, sorted_objects
from specs.inputs import Change


def render_why(
    lookback: Lookback, inputs: Sequence[Change], last: JsonObject | None, style: Style = PLAIN
) -> str:
    """What runs, what makes it differ from the version before, and what was done last."""
    name = style.bold(escape(lookback.service_name))
    if lookback.running is None:
        lines = [f"service {name} does not run"]
    else:
        lines = [f"service {name} runs {_version(lookback.running)}"]
    if lookback.before is not None and lookback.after is not None:
        tense = "apply would replace it" if lookback.is_pending else "it replaced"
        other = lookback.after if lookback.is_pending else lookback.before
        lines.append(f"{tense}{' by' if lookback.is_pending else ''} {_version(other)}, because of:")
        lines += [f"  {render_change(change)}" for change in inputs]
        for diff in lookback.fields:
            if diff.path != "image" or not inputs:
                lines.append(
                    f"  {escape(diff.path)}: {format_value(diff.applied)} -> {format_value(diff.desired)}"
                )
    elif lookback.running is not None:
        lines.append("no version before it is remembered")
    if last:
        cause = last.get("cause")
        refs = cause.get("refs") if isinstance(cause, dict) else None
        by = f" by {escape(str(last['actor']))}" if last.get("actor") else ""
        words = ", ".join(escape(str(ref)) for ref in refs) if isinstance(refs, list) else ""
        lines.append(
            style.faint(
                f"last: {escape(str(last.get('action')))} at {last.get('at')}{by}: {words}".rstrip(": ")
            )
        )
        if hint := last.get("if_that_was_meant"):
            lines.append(style.faint(f"if that was meant: {escape(str(hint))}"))
    return "\n".join(lines) + "\n"


def _version(version: Version) -> str:
    digest = f", image {shorten(version.digest)}" if version.digest else ""
    return f"commit {short_commit(version.commit)}, input {shorten(version.input)}{digest}"


def render_change(change: Change) -> str:
    """One input of an image that differs: its name, and whether it is new or gone."""
    what, before, after = change
    return escape(what) + (" (new)" if before is None else " (gone)" if after is None else "")


def why_json(lookback: Lookback, inputs: Sequence[Change], last: JsonObject | None) -> JsonObject:
    """The members of output ``why`` (contracts, section 3)."""
    running = lookback.running
    found: list[Json] = [{"input": what, "before": before, "after": after} for what, before, after in inputs]
    shown: Json = None
    if running is not None:
        shown = {"commit": running.commit, "input": running.input, "digest": running.digest}
    return {
        "service": lookback.service_name,
        "running": shown,
        "inputs": found,
        "fields": sorted_objects([diff_json(diff) for diff in lookback.fields], "path"),
        "last": last,
    }

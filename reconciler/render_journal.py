"""Entries of the journal, and what ``why`` reads back from them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.desired import Json
from reconciler.render import format_time
from reconciler.render_action import BOOKKEEPING, verb_of
from reconciler.render_apply import ApplyView
from reconciler.render_json import JsonObject, cause_json
from reconciler.render_mask import mask_action


def journal_entry(view: ApplyView, at: float) -> JsonObject:
    """One ``apply``: when, which commit, how it ended, and what was done why. ``at``: seconds since 1970."""
    actions: list[Json] = []
    for outcome in view.outcomes:
        if isinstance(outcome.action, BOOKKEEPING):
            continue
        cause = mask_action(outcome.action, view.desired, view.observed).cause
        actions.append(
            {
                "verb": verb_of(outcome.action),
                "kind": outcome.action.subject.kind,
                "name": outcome.action.subject.name,
                "result": outcome.result,
                "error": outcome.error,
                "cause": cause_json(cause),
            }
        )
    return {
        "at": format_time(at),
        "verb": "apply",
        "commit": view.desired.commit,
        "result": view.result,
        "passes": view.passes,
        "duration_s": round(view.duration, 3),
        "actions": actions,
    }


def last_action(entries: Iterable[Mapping[str, Json]], service_name: str) -> JsonObject | None:
    """The newest thing that was done to a service: ``{action, cause, at}``; None where nothing is known."""
    for entry in entries:
        actions = entry.get("actions")
        for action in reversed(actions if isinstance(actions, list) else []):
            if isinstance(action, dict) and (action.get("kind"), action.get("name")) == (
                "Service",
                service_name,
            ):
                return {"action": action.get("verb"), "cause": action.get("cause"), "at": entry.get("at")}
    return None

"""Entries of the journal, and what ``why`` reads back from them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.actions import Action
from reconciler.decision import Outcome
from reconciler.desired import Json
from reconciler.hand_stop import how_to_keep
from reconciler.render import format_time
from reconciler.render_action import BOOKKEEPING, verb_of
from reconciler.render_apply import ApplyView
from reconciler.render_json import JsonObject, cause_json
from reconciler.render_mask import mask_action
from reconciler.service_steps import service_steps


def journal_entry(view: ApplyView, at: float) -> JsonObject:
    """One ``apply``: when, which commit, how it ended, and what was done why. ``at``: seconds since 1970."""
    actions: list[Json] = []
    done: list[tuple[Action, Outcome]] = []
    for outcome in view.outcomes:
        if isinstance(outcome.action, BOOKKEEPING):
            continue
        action = mask_action(outcome.action, view.desired, view.observed)
        done.append((action, outcome))
        hint = how_to_keep(view.desired.owner, action)
        actions.append(
            {
                **({"if_that_was_meant": hint} if hint else {}),
                "verb": verb_of(outcome.action),
                "kind": outcome.action.subject.kind,
                "name": outcome.action.subject.name,
                "result": outcome.result,
                "error": outcome.error,
                "cause": cause_json(action.cause),
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
        "services": service_steps(done, view.observed),
    }


def last_action(entries: Iterable[Mapping[str, Json]], service_name: str) -> JsonObject | None:
    """The newest thing that was done to a service, why, when and by whom; None where nothing is known."""
    for entry in entries:
        actions = entry.get("actions")
        for action in reversed(actions if isinstance(actions, list) else []):
            if isinstance(action, dict) and (action.get("kind"), action.get("name")) == (
                "Service",
                service_name,
            ):
                return {
                    "action": action.get("verb"),
                    "cause": action.get("cause"),
                    "at": entry.get("at"),
                    "result": action.get("result"),
                    "trigger": entry.get("trigger", entry.get("verb")),
                    "actor": entry.get("actor"),
                    "if_that_was_meant": action.get("if_that_was_meant"),
                }
    return None

"""The parts of the JSON outputs that several verbs share (contracts, section 3). Pure."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.actions import Action
from reconciler.decision import Block, Outcome, Wait
from reconciler.desired import Json, Subject
from reconciler.difference import Cause, Diff
from reconciler.observed import Handle, Unreadable
from reconciler.ownership import parse_instance_name
from reconciler.render import format_time
from reconciler.render_action import action_id, interruption, is_destructive, verb_of

JsonObject = dict[str, Json]


def subject_json(subject: Subject, handle: Handle | None = None) -> JsonObject:
    """Subject of contracts, section 3."""
    instance: JsonObject | None = None
    if subject.instance is not None:
        parsed = parse_instance_name(subject.instance)
        instance = {
            "host": handle.host if handle else None,
            "id": handle.id if handle else None,
            "name": subject.instance,
            "role": (parsed.role.value or "live") if parsed else None,
        }
    return {"kind": subject.kind, "name": subject.name, "instance": instance}


def diff_json(diff: Diff) -> JsonObject:
    """Diff of contracts, section 3; its values are masked already."""
    return {
        "path": diff.path,
        "origin": diff.origin,
        "desired": diff.desired,
        "applied": diff.applied,
        "live": diff.live,
        "verdict": diff.verdict.value,
    }


def cause_json(cause: Cause) -> JsonObject:
    """Cause of contracts, section 3."""
    return {"type": cause.type, "refs": list(cause.refs), "diffs": [diff_json(d) for d in cause.diffs]}


def action_json(action: Action) -> JsonObject:
    """One planned action."""
    longest = interruption(action)
    handle = getattr(action, "handle", None)
    return {
        "id": action_id(action),
        "verb": verb_of(action),
        "subject": subject_json(action.subject, handle if isinstance(handle, Handle) else None),
        "cause": cause_json(action.cause),
        "interrupts": None if longest is None else {"max_s": longest},
        "destructive": is_destructive(action),
    }


def wait_json(wait: Wait) -> JsonObject:
    """One wait: ``for`` says who ends it."""
    return {
        "subject": subject_json(wait.subject),
        "reason": wait.reason,
        "for": wait.ender.value,
        "recheck_at": format_time(wait.recheck_at),
    }


def block_json(block: Block) -> JsonObject:
    """One block with its remedy."""
    return {
        "subject": subject_json(block.subject),
        "code": block.code,
        "reason": block.reason,
        "remedy": block.remedy,
    }


def outcome_json(outcome: Outcome, with_logs: bool) -> JsonObject:
    """What became of an action; output of builds and containers only for ``--logs``."""
    return {
        "action_id": action_id(outcome.action),
        "verb": verb_of(outcome.action),
        "subject": subject_json(outcome.action.subject),
        "result": outcome.result,
        "duration_s": round(outcome.duration, 3),
        "error": outcome.error,
        "log_tail": list(outcome.log_tail) if with_logs else [],
    }


def unreadable_json(unreadable: Unreadable) -> JsonObject:
    """One thing that could not be read."""
    return {"what": unreadable.what, "reason": unreadable.reason, "since": format_time(unreadable.since)}


def sorted_objects(objects: list[JsonObject], *keys: str) -> list[Json]:
    """The objects sorted by these members, as text."""
    ordered = sorted(objects, key=lambda item: [str(item.get(key)) for key in keys])
    return [*ordered]


def copy_json(value: Mapping[str, Json]) -> JsonObject:
    """A mapping as a plain JSON object, sorted by key."""
    return {key: value[key] for key in sorted(value)}

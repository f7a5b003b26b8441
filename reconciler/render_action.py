"""What an action is called, and how it reads in one line. Pure."""

from __future__ import annotations

from collections import Counter
from typing import assert_never

from reconciler.actions import (
    Action,
    BuildImage,
    CreateInstance,
    CreateNetwork,
    CreateVolume,
    LoadProxy,
    MendInstance,
    PublishFiles,
    PullImage,
    PutMarker,
    RemoveInstance,
    RemoveMarker,
    RemoveNetwork,
    RemoveVolume,
    RetireInstance,
    ReviveInstance,
    RunHook,
    StartRegistry,
    SwitchRoute,
)
from reconciler.changes import Change, Connect, Disconnect, Rename, SetLimits, SetRestart, Start, Unpause
from reconciler.desired import Subject
from reconciler.difference import Cause
from reconciler.ownership import Role, parse_instance_name, short_digest
from reconciler.render import count, escape, shorten

_VERBS: dict[type[Action], str] = {
    StartRegistry: "start-registry",
    BuildImage: "build",
    PullImage: "pull",
    CreateNetwork: "create-network",
    RemoveNetwork: "remove-network",
    CreateVolume: "create-volume",
    PublishFiles: "publish-files",
    RemoveVolume: "remove-volume",
    CreateInstance: "create",
    ReviveInstance: "revive",
    RetireInstance: "retire",
    RemoveInstance: "remove",
    MendInstance: "mend",
    PutMarker: "put-marker",
    RemoveMarker: "remove-marker",
    LoadProxy: "load-proxy",
    SwitchRoute: "switch-route",
    RunHook: "run-hook",
}
_ID_LENGTH = 64
"""Digits of an engine's id, which says nothing to people."""
BOOKKEEPING = (PutMarker, RemoveMarker)
"""Actions on our own notes: part of every plan, and nothing that a reader of progress looks for."""


def verb_of(action: Action) -> str:
    """The action's stable name in JSON and text."""
    return _VERBS[type(action)]


def action_id(action: Action) -> str:
    """Eight digits that name the action in a plan and in its outcomes: the same in every pass."""
    kind = f"{action.kind}:{action.marker_subject}" if isinstance(action, PutMarker) else ""
    return short_digest(f"{verb_of(action)}\n{action.subject}\n{kind}")


def is_destructive(action: Action) -> bool:
    """Whether something leaves that cannot be had back without making it anew."""
    if isinstance(action, RemoveInstance):
        return action.destructive
    return isinstance(action, RemoveNetwork | RemoveVolume)


def interruption(action: Action) -> float | None:
    """Longest interruption in seconds that the action is part of."""
    if isinstance(action, CreateInstance | RetireInstance | RemoveInstance | SwitchRoute):
        return action.interrupts
    return None


def describe(action: Action) -> str:
    """The action in a few words, its object by name."""
    subject = action.subject
    is_container = subject.kind in ("Service", "Task")
    name = shorten(subject.instance if subject.instance and is_container else subject.name)
    match action:
        case StartRegistry():
            return f"run the local registry {name} on 127.0.0.1:{action.registry.port}"
        case BuildImage():
            return f"build {escape(action.image.name)} and push it as {shorten(str(action.image.ref))}"
        case PullImage():
            return f"pull {shorten(str(action.ref))}"
        case CreateInstance(second_writer=(first, *_)):
            return f"create {name}: two writers of {escape(first)} until the old one stops"
        case RetireInstance():
            is_held = action.name.endswith(f"_{Role.HELD.value}")
            first = "run its pre_stop, " if action.pre_stop else ""
            return (
                f"hold {name}: {first}stop it and keep its logs"
                if is_held
                else f"retire {name}: {first}stop it and keep it"
            )
        case ReviveInstance():
            return f"bring {name} back as {escape(action.name)}"
        case MendInstance():
            return f"mend {name} in place: {', '.join(describe_change(c) for c in action.changes)}"
        case PutMarker():
            return _describe_note(action)
        case LoadProxy():
            routes = count(len(action.proxy.routes), "route")
            return f"give {escape(action.service_name)} its work: {routes}"
        case SwitchRoute():
            return _describe_switch(action, name)
        case RemoveVolume() | RemoveMarker():
            return f"{verb_of(action).replace('-', ' ')} {escape(action.object_name)}"
        case _:
            return f"{verb_of(action).replace('-', ' ')} {name}"


def _describe_switch(action: SwitchRoute, name: str) -> str:
    """``let requests for web reach 3c757849_1 (90 %), …``: generation and number of each instance."""
    if not action.slots:
        return f"give requests for {name} its maintenance answer: nobody serves"
    said: list[str] = []
    for slot, percent in Counter(action.slots).most_common():
        parsed = parse_instance_name(action.names.get(slot, ""))
        said.append(f"{f'{parsed.g8}_{parsed.number}' if parsed else escape(slot)} ({percent} %)")
    return f"let requests for {name} reach {', '.join(said)}"


def _describe_note(action: PutMarker) -> str:
    subject = escape(action.marker_subject) or "the environment"
    words = {"release": f"note that {subject} has proved itself", "job": f"note that {subject} has run"}
    words["step"] = f"note the step of {subject}'s canary"
    words["hook"] = f"note what the hooks of {subject} did"
    return words.get(action.kind, f"note {escape(action.kind)} of {subject}")


def describe_change(change: Change) -> str:
    """One change in place in a few words."""
    match change:
        case SetLimits():
            return "set its limits"
        case SetRestart():
            return f"restart policy {escape(change.policy)}"
        case Connect():
            is_id = len(change.network) == _ID_LENGTH
            return f"connect to {escape(change.name if is_id and change.name else change.network)}"
        case Disconnect():
            return f"disconnect from {escape(change.network)}"
        case Rename():
            return f"rename to {escape(change.name)}"
        case Unpause():
            return "unpause"
        case Start():
            return "start"
        case _:
            assert_never(change)


def describe_cause(cause: Cause) -> str:
    """Why, in one line: the type and what it comes from."""
    named = list(cause.refs) or sorted({diff.path for diff in cause.diffs})
    shown = ", ".join(shorten(ref) for ref in named[:4])
    more = f" and {len(named) - 4} more" if len(named) > 4 else ""
    return f"{cause.type}: {shown}{more}" if named else cause.type


def subject_key(subject: Subject) -> tuple[str, str]:
    """Kind and name: actions, waits and blocks of one object belong together."""
    return subject.kind, subject.name

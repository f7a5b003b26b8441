"""What was done to containers of an environment, from the events that an engine still keeps.

An engine keeps its last 256 events, of everything that runs on it, and every probe of a health check is three
of them: of a busy engine it may be a minute. One read, bounded in time and number.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from providers.docker.engine import Engine
from providers.docker.faults import unclear
from providers.docker.tree import Node, text, text_map, whole
from reconciler import ownership
from reconciler.deeds import Deed
from reconciler.ownership import Owner

_ACTIONS: Final = (
    *("create", "destroy", "die", "kill", "oom", "pause", "rename", "start", "stop", "unpause", "update"),
    *("connect", "disconnect", "exec_create"),
)
_ANSWER: Final = 5.0
"""Seconds within which the engine tells them."""
_MOST: Final = 4096
_LATE: Final = 1.0
"""Seconds by which an event may bear a later time than was asked for."""
_NANO: Final = 1_000_000_000
_FACTS: Final = {
    "signal": "signal",
    "exitCode": "exit code",
    "oldName": "name before",
    "com.docker.compose.project": "project of Compose",
    "com.docker.compose.service": "service of Compose",
    "com.docker.stack.namespace": "stack",
}
"""Attributes that are told, and what they are called. No other: labels and commands may hold secrets."""


async def read(engine: Engine, owner: Owner, begin: float, end: float) -> Sequence[Deed]:
    """What was done to containers of this owner, oldest first. Raises EngineError."""
    filters = {"type": ["container", "network"], "event": sorted(_ACTIONS)}
    query = {"since": _moment(begin), "until": _moment(end), "filters": json.dumps(filters)}
    answer = await engine.fetch("/events", query, _ANSWER)
    events = [_event(engine, line) for line in answer.body.split(b"\n")[-_MOST:] if line.strip()]
    ours = {_container(event) for event in events if _owner(event) == str(owner)}
    found = (deed for deed in _deeds(events, ours) if begin <= deed.at <= end + _LATE)
    return _once(sorted(found, key=lambda deed: deed.at))


def _once(deeds: Sequence[Deed]) -> tuple[Deed, ...]:
    """An engine tells of one disconnection twice: the second word of the same within a second is left out."""
    found: list[Deed] = []
    for deed in deeds:
        if not any(replace(deed, at=other.at) == other and deed.at - other.at < 1.0 for other in found[-3:]):
            found.append(deed)
    return tuple(found)


def _moment(at: float) -> str:
    return f"{max(0.0, at):.6f}"


def _event(engine: Engine, line: bytes) -> Node:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise unclear(engine.where, "a line that is no event") from None
    return found if isinstance(found, dict) else {}


def _owner(event: Node) -> str:
    return text(event, "Actor", "Attributes", ownership.OWNER)


def _container(event: Node) -> str:
    """The id of the container that an event is about; a network's names it among its attributes."""
    if text(event, "Type") == "network":
        return text(event, "Actor", "Attributes", "container")
    return text(event, "Actor", "ID")


def _deeds(events: Sequence[Node], ours: set[str]) -> Iterator[Deed]:
    for event in events:
        container, kind = _container(event), text(event, "Type")
        word, _, said = text(event, "Action").partition(":")
        # Of a network's event only the container's id is known: whose it is, who asked finds out by it.
        if kind == "container" and container not in ours:
            continue
        attributes = text_map(event, "Actor", "Attributes")
        is_container = kind == "container"
        yield Deed(
            at=whole(event, "timeNano") / _NANO or float(whole(event, "time")),
            action=f"{kind} {'exec' if word == 'exec_create' else word}",
            container=container,
            name=attributes.get("name", "") if is_container else "",
            service_name=attributes.get(ownership.SERVICE, "") if is_container else "",
            facts=tuple(_facts(kind, attributes, said)),
        )


def _facts(kind: str, attributes: dict[str, str], said: str) -> Iterator[tuple[str, str]]:
    if kind == "network":
        yield "network", attributes.get("name", "")[:200]
        return
    program = said.split()[:1]
    if program:
        yield "program", program[0][:100]  # what follows it may be a password
    for name, told in _FACTS.items():
        if attributes.get(name):
            yield told, attributes[name].lstrip("/")[:200]
    maker = attributes.get(ownership.BY, "")
    if maker not in ("", "reconciler"):
        yield "made by", maker[:200]

"""The engine's event stream as hints (design, section 4): they say that looking may be worth it, no more."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Final

from providers.docker.engine import Engine
from providers.docker.faults import unclear
from providers.docker.streams import Streaming, open_answer
from providers.docker.tree import Node, text
from reconciler import ownership
from reconciler.ownership import Owner

_OF_CONTAINERS: Final = (
    "create",
    "start",
    "die",
    "destroy",
    "stop",
    "pause",
    "unpause",
    "rename",
    "update",
    "oom",
    "health_status",
)
_OF_NETWORKS: Final = ("connect", "disconnect", "destroy")
_OF_VOLUMES: Final = ("destroy", "create")
_MAX_EVENT: Final = 1 << 20


async def watch(engine: Engine, owner: Owner) -> AsyncGenerator[None, None]:
    """One item for each event that may be about this owner, until the stream ends. Raises EngineError.

    The first item comes with the connection: who listens from now on has to look once.
    """
    names = sorted({*_OF_CONTAINERS, *_OF_NETWORKS, *_OF_VOLUMES})
    filters = {"type": ["container", "network", "volume"], "event": names}
    answer = await open_answer(engine, "GET", "/events", {"filters": json.dumps(filters)})
    try:
        yield None
        async for event in _events(answer):
            if concerns(event, owner):
                yield None
    finally:
        answer.close()


async def _events(answer: Streaming) -> AsyncGenerator[Node, None]:
    rest = b""
    while piece := await answer.read():
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > _MAX_EVENT:
            raise unclear(answer.where, "an event without an end")
        for line in lines:
            if line.strip():
                yield _event(answer, line)


def _event(answer: Streaming, line: bytes) -> Node:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise unclear(answer.where, "a line that is no event") from None
    return found if isinstance(found, dict) else {}


def concerns(event: Node, owner: Owner) -> bool:
    """Whether an event may be about this owner. Of networks and volumes the engine tells the name alone."""
    kind, action = text(event, "Type"), text(event, "Action").partition(":")[0]
    if kind == "container":
        return text(event, "Actor", "Attributes", ownership.OWNER) == str(owner)
    if kind == "network":
        return action in _OF_NETWORKS
    name = text(event, "Actor", "ID")
    if action not in _OF_VOLUMES or not name.startswith(owner.prefix):
        return False
    # Markers that people write; those that we write ourselves would make us look for nothing, and so would
    # ``exec_…``: every probe of a health check is three of them.
    said = tuple(f"{owner.prefix}marker_{kind}_" for kind in ownership.SAID)
    return name.startswith(said) or (action == "destroy" and not name.startswith(f"{owner.prefix}marker_"))

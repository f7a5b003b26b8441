"""Containers under a handle of ours: ownership read again before every change, each step idempotent."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Awaitable, Callable

from providers.docker.engine import WRITE, Engine
from providers.docker.faults import EngineError, name_held, not_ours, stale, start_error
from providers.docker.images import Images
from providers.docker.labels import without_inherited
from providers.docker.payload import restart_payload
from providers.docker.tree import Node, flag, text, text_map
from reconciler.observed import Handle
from reconciler.ownership import OWNER, Owner, is_ours

_BETWEEN_RUNS = re.compile(
    r"cannot update a (stopped container|deleted process)|container not running|(task|sandbox) \S+ not found"
)
"""What engines say where a process that they start again and again ends in the moment of a call."""
_PAUSES = (0.1, 0.2, 0.4, 0.8)


class Containers:
    """The containers of one engine."""

    def __init__(self, engine: Engine, images: Images) -> None:
        self.engine = engine
        self.images = images

    async def owned(self, owner: Owner, handle: Handle) -> Node | None:
        """The container as it is now; None when it is gone. Raises Stale when it is not this owner's."""
        found = await self.engine.find(f"/containers/{handle.id}/json")
        if found is None:
            return None
        labels = without_inherited(text_map(found, "Config", "Labels"), await self.images.labels_of(found))
        if not is_ours(labels, owner):
            raise not_ours(text(found, "Name").lstrip("/") or handle.id)
        return found

    async def expected(self, owner: Owner, handle: Handle) -> Node:
        """The container as it is now. Raises Stale when it is gone or not this owner's."""
        found = await self.owned(owner, handle)
        if found is None:
            raise stale(handle.id[:12], "the container is gone")
        return found

    async def update(self, handle: Handle, changes: Node) -> None:
        """Change limits or restart policy in place."""
        path = f"/containers/{handle.id}/update"
        await _whether_it_runs_or_not(lambda: self.engine.write("POST", path, body=changes))

    async def set_restart(self, handle: Handle, policy: str) -> None:
        """Set the restart policy, in Compose's words."""
        await self.update(handle, {"RestartPolicy": restart_payload(policy)})

    async def rename(self, container: Node, name: str) -> None:
        """Give a name; nothing to do when it is borne already. Raises Stale when another of ours bears it,
        Refused when a stranger does."""
        if text(container, "Name").lstrip("/") == name:
            return
        path = f"/containers/{text(container, 'Id')}/rename"
        try:
            await _whether_it_runs_or_not(lambda: self.engine.write("POST", path, {"name": name}))
        except EngineError as error:
            if error.status != 409:
                raise
            holder = await self.engine.find(f"/containers/{name}/json")
            if holder is None or text_map(holder, "Config", "Labels").get(OWNER):
                raise stale(name, "the name was taken meanwhile") from None
            raise name_held(name, f"container {text(holder, 'Id')[:12]}") from None

    async def start(self, handle: Handle, name: str) -> None:
        """Start; nothing to do when it runs. Raises ProviderError that names a taken port, Refused for a
        command that cannot be run."""
        try:
            await self.engine.write("POST", f"/containers/{handle.id}/start")
        except EngineError as error:
            if error.status == 404 and "No such container" in error.seen:
                raise stale(name, "the container is gone") from None
            raise start_error(name, error) from None

    async def unpause(self, container: Node) -> None:
        """Let a paused container run on; nothing to do for another."""
        if flag(container, "State", "Paused"):
            await self.engine.write("POST", f"/containers/{text(container, 'Id')}/unpause")

    async def stop(self, container: Node, grace: float) -> None:
        """Stop, with a kill after ``grace`` seconds; nothing to do when it does not run."""
        if not flag(container, "State", "Running"):
            return
        await self.unpause(container)
        seconds = math.ceil(grace)
        path = f"/containers/{text(container, 'Id')}/stop"
        await self.engine.write("POST", path, {"t": seconds}, deadline=seconds + WRITE)

    async def remove(self, container_id: str) -> None:
        """Remove a stopped container with its anonymous volumes; gone or going already is success."""
        try:
            await self.engine.write("DELETE", f"/containers/{container_id}", {"v": 1, "force": 1})
        except EngineError as error:
            if error.status != 404 and not (error.status == 409 and "in progress" in error.seen):
                raise


async def _whether_it_runs_or_not(call: Callable[[], Awaitable[object]]) -> None:
    """Make a call that is as well made twice, once more where the container's process had just ended: it is
    either started again or rests, and both are fine. Raises EngineError."""
    for pause in _PAUSES:
        try:
            await call()
        except EngineError as error:
            if not _BETWEEN_RUNS.search(error.seen):
                raise
            await asyncio.sleep(pause)
        else:
            return
    await call()

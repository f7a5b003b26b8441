"""One process's view of the engine of a simulation: it can be stopped, look late, and is watched for laws."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextvars import ContextVar

from providers.memory import MemoryEngine
from reconciler.actions import Blueprint
from reconciler.changes import Change
from reconciler.desired import DesiredNetwork, DesiredVolume
from reconciler.observed import Handle, Marker
from reconciler.ownership import Owner
from reconciler.provider import FileEntry, Login, Question, World
from specs.reference import ImageRef

CALLER: ContextVar[Window | None] = ContextVar("CALLER", default=None)
"""Whose action runs."""


class Window(MemoryEngine):
    """The same world as ``engine``, seen and changed by one process.

    While ``open`` is not set nothing passes, in either direction: the process is stopped (SIGSTOP), or the
    engine hangs. What is asked for meanwhile is done afterwards.
    """

    def __init__(self, engine: MemoryEngine) -> None:
        self.ground, self.hand = engine.ground, engine.hand
        self.open = asyncio.Event()
        self.open.set()
        self.stale_looks = 0
        self.begun: Callable[[str], None] = lambda verb: None
        """Told of each verb that changes something, when the process asks for it."""
        self._last: World | None = None

    async def enter(self, verb: str) -> None:
        CALLER.set(self)
        self.begun(verb)
        await self.open.wait()

    async def observe(self, question: Question) -> World:
        await self.open.wait()
        if self.stale_looks and self._last is not None:
            self.stale_looks -= 1
            await asyncio.sleep(0)
            return self._last
        world = self._last = await super().observe(question)
        await self.open.wait()
        return world

    async def watch(self, owner: Owner) -> AsyncGenerator[None, None]:
        async for hint in super().watch(owner):
            await self.open.wait()
            yield hint

    async def create_network(self, owner: Owner, network: DesiredNetwork) -> None:
        await self.enter("create_network")
        await super().create_network(owner, network)
        await self.open.wait()

    async def remove_network(self, owner: Owner, handle: Handle) -> None:
        await self.enter("remove_network")
        await super().remove_network(owner, handle)
        await self.open.wait()

    async def create_volume(self, owner: Owner, volume: DesiredVolume) -> None:
        await self.enter("create_volume")
        await super().create_volume(owner, volume)
        await self.open.wait()

    async def publish_files(
        self, owner: Owner, volume: str, entries: Sequence[FileEntry], image: str
    ) -> None:
        await self.enter("publish_files")
        await super().publish_files(owner, volume, entries, image)
        await self.open.wait()

    async def remove_volume(self, owner: Owner, object_name: str) -> None:
        await self.enter("remove_volume")
        await super().remove_volume(owner, object_name)
        await self.open.wait()

    async def pull(self, ref: ImageRef, login: Login | None) -> None:
        await self.enter("pull")
        await super().pull(ref, login)
        await self.open.wait()

    async def create_instance(self, blueprint: Blueprint, secrets: Mapping[str, str]) -> None:
        await self.enter("create_instance")
        await super().create_instance(blueprint, secrets)
        await self.open.wait()

    async def revive_instance(self, owner: Owner, handle: Handle, name: str, restart: str) -> None:
        await self.enter("revive_instance")
        await super().revive_instance(owner, handle, name, restart)
        await self.open.wait()

    async def retire_instance(self, owner: Owner, handle: Handle, name: str, grace: float) -> None:
        await self.enter("retire_instance")
        await super().retire_instance(owner, handle, name, grace)
        await self.open.wait()

    async def remove_instance(self, owner: Owner, handle: Handle, grace: float) -> None:
        await self.enter("remove_instance")
        await super().remove_instance(owner, handle, grace)
        await self.open.wait()

    async def mend_instance(self, owner: Owner, handle: Handle, changes: Sequence[Change]) -> None:
        await self.enter("mend_instance")
        await super().mend_instance(owner, handle, changes)
        await self.open.wait()

    async def put_marker(self, owner: Owner, marker: Marker) -> bool:
        await self.open.wait()
        won = await super().put_marker(owner, marker)
        await self.open.wait()
        return won

    async def remove_marker(self, owner: Owner, object_name: str) -> None:
        await self.enter("remove_marker")
        await super().remove_marker(owner, object_name)
        await self.open.wait()

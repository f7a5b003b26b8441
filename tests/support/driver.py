"""Drives real passes over a world in memory, without waiting: the clock moves when only time is left."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.actions import Action
from reconciler.clients import Clients, Prepared
from reconciler.decision import Outcome, Plan
from reconciler.desired import Desired, DesiredImage
from reconciler.execute import Executor
from reconciler.observe import Memory, observe
from reconciler.observed import Observed
from reconciler.plan import plan
from reconciler.provider import BuildRequest, FileEntry, Login, Refused, Registry
from sketches import OWNER, Sketch, entries_of, secrets_of
from specs.reference import ImageRef
from worlds import MemoryWorld


@dataclass
class MemoryStock:
    """Everything that any sketch of a test ever named."""

    files: dict[str, tuple[FileEntry, ...]] = field(default_factory=dict)
    values: dict[str, str] = field(default_factory=dict)

    def add(self, *sketches: Sketch) -> None:
        self.files.update(entries_of(*sketches))
        self.values.update(secrets_of(*sketches))

    async def build_request(self, image: DesiredImage, parents: Mapping[str, ImageRef]) -> Prepared:
        request = BuildRequest(
            image.key, image.ref, b"FROM scratch\n", lambda: iter(()), None, {}, (), parents
        )
        return Prepared(request, image.document)

    async def entries(self, digest: str) -> Sequence[FileEntry]:
        return self.files[digest]

    def secrets(self, names: Sequence[str], digest: str = "") -> Mapping[str, str]:
        missing = [n for n in names if n not in self.values]
        if missing:
            raise Refused("TST001", "secrets", f"{missing} have no value")
        return {n: self.values[n] for n in names}


@dataclass
class Driver:
    """One process: its executor and its memory. ``restart`` is what a kill -9 leaves: the world alone."""

    world: MemoryWorld = field(default_factory=MemoryWorld)
    stock: MemoryStock = field(default_factory=MemoryStock)
    memory: Memory = field(default_factory=Memory)
    executor: Executor = field(init=False)
    started: list[Action] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    seen: list[Observed] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.memory = Memory()
        self.executor = Executor(OWNER, self.clients)

    @property
    def clients(self) -> Clients:
        world = self.world
        return Clients(
            world.engine, self._registry, self._login, world.builder, self.stock, proxies=world.proxies
        )

    async def _registry(self, ref: ImageRef) -> Registry:
        return self.world.registries[ref.host]

    async def _login(self, ref: ImageRef) -> Login | None:
        return None

    async def look(self, desired: Desired) -> Observed:
        return await observe(desired, self.clients, self.memory, frozenset(), self.executor.attempts)

    async def run_pass(self, desired: Desired) -> Plan:
        """Look, plan, do everything that was planned, wait for it."""
        observed = await self.look(desired)
        self.seen.append(observed)
        decided = plan(desired, observed, observed.at)
        self.started += self.executor.start(decided.actions, observed)
        if self.executor.tasks:
            await asyncio.gather(*list(self.executor.tasks.values()))
        self.outcomes += self.executor.take_outcomes()
        return decided

    async def settle(self, desired: Desired, passes: int = 200) -> Plan:
        """Passes until the plan settles; AssertionError when it does not within so many."""
        for _ in range(passes):
            decided = await self.run_pass(desired)
            if decided.settled:
                return decided
            if not decided.actions:
                self._wait(decided)
        raise AssertionError(f"not settled after {passes} passes: {decided}")

    def _wait(self, decided: Plan) -> None:
        now = self.world.engine.clock
        times = [w.recheck_at for w in decided.waits if w.recheck_at is not None]
        self.world.engine.advance(max(0.05, min(times, default=now + 1.0) - now))

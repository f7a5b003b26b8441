"""A loop that runs as a service of the environment that it keeps: each of its containers is a process.

Whatever becomes of a container becomes of its process: begun with it, gone with it as by kill -9.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from driver import Driver
from providers.memory.container import Container
from reconciler.actions import RemoveInstance, RetireInstance
from reconciler.desired import Desired
from reconciler.loop import PassReport
from reconciler.observed import Phase
from reconciler.ownership import Role
from reconciler.plan import plan
from reconciler.snapshot import Snapshot
from simulated_process import Process
from sketches import Sketch

STEP = 0.1


class SelfProcess(Process):
    """The process in one container."""

    def offer(self, wanted: Desired) -> None:
        clients = replace(self.driver.clients, runtime=self.window, ourselves=frozenset({self.name}))
        self.keeper.offer(Snapshot(wanted, clients))


@dataclass
class SelfSite:
    """The world, what git says, and the process of each container of service ``self`` that runs."""

    wanted: Desired
    driver: Driver = field(default_factory=Driver)
    processes: dict[str, SelfProcess] = field(default_factory=dict)
    is_begun: Callable[[str], bool] = lambda name: True
    """Whether the process of a container gets so far as to begin."""
    stopped_by: list[tuple[str, str]] = field(default_factory=list)
    """(process, container) of each retire or removal that was begun."""

    def containers(self) -> list[Container]:
        everything = self.driver.world.engine.ground.containers.values()
        return [c for c in everything if c.name.startswith("shop_dev_self_")]

    def running(self) -> list[str]:
        return sorted(c.id for c in self.containers() if c.phase is Phase.RUNNING)

    def say(self, wanted: Desired) -> None:
        """A new commit: every process hears of it."""
        self.wanted = wanted
        for process in self.processes.values():
            process.offer(wanted)

    async def live(self) -> None:
        """Time passes, and processes come and go with their containers."""
        while True:
            await asyncio.sleep(STEP)
            self.driver.world.engine.advance(STEP)
            running = self.running()
            for name in [name for name in self.processes if name not in running]:
                await self.processes.pop(name).kill()
            for name in running:
                if name not in self.processes and self.is_begun(name):
                    self._begin(name)

    def _begin(self, name: str) -> None:
        def passed(desired: Desired, report: PassReport, seconds: float) -> None:
            for action in report.started:
                if isinstance(action, RetireInstance | RemoveInstance):
                    self.stopped_by.append((name, action.handle.id))

        self.processes[name] = SelfProcess(name, self.driver, 5.0, passed)
        self.processes[name].offer(self.wanted)

    async def kill(self, name: str) -> None:
        """Kill the process of a container, which the engine starts again."""
        if name in self.processes:
            await self.processes.pop(name).kill()

    async def until_settled(self, seconds: float = 900.0) -> None:
        """Until nothing is left to do, seen from outside. AssertionError when that does not come."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while True:
            await asyncio.sleep(1.0)
            observed = await self.driver.look(self.wanted)
            decided = plan(self.wanted, observed, observed.at)
            if decided.settled and self.running():
                return
            assert loop.time() < until, f"it does not settle: {decided}"

    def roles(self) -> dict[str, str]:
        """Container -> live, kept or held, by its name."""
        roles = {Role.KEPT.value, Role.HELD.value}
        return {c.id: next((r for r in roles if c.name.endswith(f"_{r}")), "live") for c in self.containers()}


@asynccontextmanager
async def self_site(first: Desired, *sketches: Sketch) -> AsyncIterator[SelfSite]:
    """The first instance is made from outside, and serves; from then on it keeps itself."""
    site = SelfSite(first)
    site.driver.stock.add(*sketches)
    site.driver.world.engine.pulse = STEP
    await site.driver.settle(first)
    life = asyncio.create_task(site.live())
    try:
        yield site
    finally:
        life.cancel()
        await asyncio.gather(life, return_exceptions=True)
        for process in site.processes.values():
            await process.kill()

"""One ``reconciler run`` of a simulation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from driver import Driver
from reconciler.desired import Desired
from reconciler.keeper import Keeper
from reconciler.keeper_report import Heard
from reconciler.loop import PassReport
from reconciler.snapshot import Snapshot
from simulated_proxies import ProxiesWindow
from simulated_window import Window
from sketches import OWNER


@dataclass
class Process:
    """It sees the world through a window of its own, which can be shut: it is stopped, and goes on later."""

    name: str
    driver: Driver
    resync: float
    passed: Callable[[Desired, PassReport, float], None]
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    window: Window = field(init=False)
    keeper: Keeper = field(init=False)
    task: asyncio.Task[None] = field(init=False)

    def __post_init__(self) -> None:
        self.window = Window(self.driver.world.engine)
        self.keeper = Keeper(OWNER, Heard(passed=self.passed), self.resync, self.name)
        self.task = asyncio.create_task(self.keeper.keep(self.stopping))

    @property
    def commit(self) -> str | None:
        """What it keeps now."""
        run = self.keeper._run
        return run.desired.commit if run is not None else None

    def offer(self, wanted: Desired) -> None:
        proxies = ProxiesWindow(self.window, self.driver.world.proxies)
        clients = replace(self.driver.clients, runtime=self.window, proxies=proxies)
        self.keeper.offer(Snapshot(wanted, clients))

    async def kill(self) -> None:
        """As kill -9: what is in flight stops where it stands, and nobody gives the lease back."""
        run, self.keeper._run = self.keeper._run, None
        doomed = [self.task, *(run.executor.tasks.values() if run is not None else ())]
        while any(not task.done() for task in doomed):
            # Once is not enough: a wait that ends in the same moment swallows the cancellation.
            for task in doomed:
                task.cancel()
            await asyncio.sleep(0)
        await asyncio.gather(*doomed, return_exceptions=True)

    async def stop(self) -> None:
        self.stopping.set()
        self.keeper.hint()
        await self.task

"""A loop in the same world in memory as the commands of a test, in one event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from cli_world import OWNER, CliWorld
from reconciler.cli.apply import report_apply
from reconciler.cli.envelope import Report
from reconciler.cli.suspend import report_suspension
from reconciler.cli.whereabouts import find_whereabouts
from reconciler.cli.workspace import open_workspace
from reconciler.keeper import Keeper
from reconciler.serve import listen
from reconciler.snapshot import Snapshot


@dataclass
class Living:
    """A loop in the same world as the commands of a test."""

    world: CliWorld
    keeper: Keeper = field(default_factory=lambda: Keeper(OWNER, resync=1.0))
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self) -> str:
        """Keep the newest commit."""
        workspace = open_workspace(self.world.options("run"))
        self.keeper.offer(Snapshot(workspace.desired, self.world.clients(workspace), workspace.meet))
        return workspace.desired.commit

    async def apply(self, **fields: object) -> Report:
        workspace = open_workspace(self.world.options("apply", **fields))
        return await report_apply(workspace, self.world.clients(workspace))

    async def say(self, verb: str, **fields: object) -> Report:
        options = self.world.options(verb, **fields)
        return await report_suspension(options, find_whereabouts(options), self.world.engine)


def beside(world: CliWorld, work: Callable[[Living], Awaitable[None]]) -> None:
    """Run it while a loop lives."""

    async def live() -> None:
        it = Living(world)
        tick = asyncio.create_task(world._tick())
        keep = asyncio.create_task(it.keeper.keep(it.stopping))
        hear = asyncio.create_task(listen(lambda: world.engine.watch(OWNER), it.keeper, it.stopping))
        try:
            await work(it)
        finally:
            it.stopping.set()
            it.keeper.hint()
            await asyncio.gather(keep, hear)
            tick.cancel()

    asyncio.run(live())

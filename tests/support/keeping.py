"""A keeper at work over a world in memory, both in virtual time: hours of a loop in a moment."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from driver import Driver
from reconciler.desired import Desired, Json
from reconciler.keeper import Keeper
from reconciler.keeper_report import Heard, Rest
from reconciler.loop import PassReport
from reconciler.observed import Marker, Observed, Phase
from reconciler.provider import ProviderError
from reconciler.serve import listen
from reconciler.snapshot import Snapshot
from sketches import OWNER, Sketch

STEP = 0.1


@dataclass
class Keeping:
    """One process that keeps one environment."""

    driver: Driver
    keeper: Keeper
    rests: list[Rest] = field(default_factory=list)
    reports: list[PassReport] = field(default_factory=list)
    errors: list[ProviderError] = field(default_factory=list)

    def offer(self, wanted: Desired) -> None:
        self.keeper.offer(Snapshot(wanted, self.driver.clients))

    async def look(self) -> Observed:
        snapshot = self.keeper.snapshot
        assert snapshot is not None
        return await self.driver.look(snapshot.desired)

    async def say(self, kind: str, subject: str, sequence: int, **value: Json) -> None:
        """Write a marker as a person's command does."""
        marker = Marker(kind, subject, sequence, json.dumps(value, sort_keys=True))
        assert await self.driver.world.engine.put_marker(OWNER, marker)

    def running(self, service_name: str = "") -> list[str]:
        containers = self.driver.world.engine.ground.containers.values()
        prefix = f"shop_dev_{service_name}"
        return sorted(c.name for c in containers if c.phase is Phase.RUNNING and c.name.startswith(prefix))

    def begun(self, action: str) -> int:
        """How often an action of this class was begun, ever."""
        return sum(type(a).__name__ == action for report in self.reports for a in report.started)

    async def until(self, condition: Callable[[], object], seconds: float = 600.0) -> float:
        """Wait for it; the virtual seconds that it took. AssertionError when it does not come."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not condition():
            assert loop.time() - began < seconds, "it does not happen"
            await asyncio.sleep(STEP)
        return loop.time() - began


@asynccontextmanager
async def keeping(
    *sketches: Sketch, images: tuple[str, ...] = (), resync: float = 60.0
) -> AsyncIterator[Keeping]:
    """Runs until the block ends; the clock of the world goes with that of the event loop."""
    driver, stopping = Driver(), asyncio.Event()
    for reference in ("redis:7", *images):
        driver.world.publish(reference)
    driver.stock.add(*sketches)
    keeper = Keeper(OWNER, resync=resync)
    it = Keeping(driver, keeper)
    keeper.heard = Heard(
        rested=it.rests.append,
        failed=it.errors.append,
        passed=lambda desired, report, seconds: it.reports.append(report),
    )
    engine = driver.world.engine
    engine.pulse = STEP

    async def tick() -> None:
        while True:
            await asyncio.sleep(STEP)
            engine.advance(STEP)

    clock = asyncio.create_task(tick())
    hints = asyncio.create_task(listen(lambda: engine.watch(OWNER), keeper, stopping))
    work = asyncio.create_task(keeper.keep(stopping))
    try:
        yield it
    finally:
        stopping.set()
        keeper.hint()
        await asyncio.gather(work, hints)
        clock.cancel()

"""A worker that is stuck for ever: it is given up at its deadline, and nobody else waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from driver import Driver
from providers.memory import MemoryEngine
from reconciler.actions import Blueprint
from reconciler.keeper import Keeper
from reconciler.keeper_report import Heard
from reconciler.sharing import Sharing
from reconciler.snapshot import Snapshot
from sketches import OWNER, Sketch, desired
from virtual_time import run_virtually

_WEB = Sketch("web", image="redis:7", check=False, monitor=0.1)


class Stuck(MemoryEngine):
    """Its first create never answers."""

    stuck = True

    async def create_instance(self, blueprint: Blueprint, secrets: Mapping[str, str]) -> None:
        if self.stuck:
            self.stuck = False
            await asyncio.get_running_loop().create_future()
        await super().create_instance(blueprint, secrets)


async def _tick(driver: Driver) -> None:
    while True:
        await asyncio.sleep(0.5)
        driver.world.engine.advance(0.5)


async def _keep() -> tuple[list[float], list[str]]:
    """When each of two environments of one process came to rest, the stuck one first; and what failed."""
    stopping, sharing, codes = asyncio.Event(), Sharing(), list[str]()
    rests, work, clocks = [0.0, 0.0], [], []
    for index, engine in enumerate((Stuck(), MemoryEngine())):
        driver = Driver()
        driver.world.engine = engine
        engine.connect(*driver.world.registries.values())
        driver.world.publish("redis:7")
        clocks.append(asyncio.create_task(_tick(driver)))

        def rested(rest: object, index: int = index) -> None:
            rests[index] = rests[index] or asyncio.get_running_loop().time()

        heard = Heard(
            rested=rested,
            passed=lambda wanted, report, seconds: codes.extend(o.code for o in report.outcomes if o.code),
        )
        keeper = Keeper(OWNER, heard, sharing=sharing)
        keeper.offer(Snapshot(desired(_WEB), driver.clients))
        work.append(asyncio.create_task(keeper.keep(stopping)))
    async with asyncio.timeout(600.0):
        while not all(rests):
            await asyncio.sleep(1.0)
    stopping.set()
    await asyncio.sleep(70.0)
    await asyncio.gather(*work)
    for clock in clocks:
        clock.cancel()
    return rests, codes


def test_a_call_that_never_ends_is_given_up_and_nobody_waits_for_it() -> None:
    (stuck, well), codes = run_virtually(_keep())
    assert well < 20.0
    assert codes == ["RUN001"]
    assert 120.0 < stuck < 160.0

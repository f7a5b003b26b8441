"""Passes until the plan settles: what ``apply`` reports is what the world says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from driver import Driver
from providers.memory import Behaviour
from reconciler.desired import Desired
from reconciler.execute import Executor
from reconciler.lease import Lease
from reconciler.loop import Converged, Convergence, PassReport, converge
from reconciler.provider import ProviderError, Refused
from sketches import OWNER, Sketch, desired

WEB = Sketch("web", monitor=0.1)
CACHE = Sketch("cache", image="redis:7", check=False, monitor=0.1)
PASSWORD = "hunter2-in-no-output"


@asynccontextmanager
async def ticking(driver: Driver) -> AsyncIterator[None]:
    """The engine's clock goes by, twenty times as fast as ours."""

    async def tick() -> None:
        while True:
            await asyncio.sleep(0.02)
            driver.world.engine.advance(0.4)

    clock = asyncio.create_task(tick())
    try:
        yield
    finally:
        clock.cancel()


async def run(driver: Driver, wanted: Desired, within: float = 20.0) -> Converged:
    async with ticking(driver):
        return await converge(wanted, driver.clients, within=within, report=lambda report: None)


def stocked(*sketches: Sketch) -> Driver:
    driver = Driver()
    driver.world.publish("redis:7")
    driver.stock.add(*sketches)
    return driver


def process(driver: Driver, wanted: Desired, holder: str) -> Convergence:
    lease = Lease(OWNER, driver.world.engine, holder)
    return Convergence(wanted, driver.clients, Executor(OWNER, driver.clients), lease)


async def test_settles_and_then_does_nothing() -> None:
    driver = stocked(WEB)
    first = await run(driver, desired(WEB))
    assert (first.result, first.timed_out) == ("settled", False)
    again = await run(driver, desired(WEB))
    assert (again.result, again.passes, again.outcomes) == ("settled", 1, ())


async def test_of_two_processes_exactly_one_acts() -> None:
    driver, wanted = stocked(WEB), desired(WEB)
    runs = [process(driver, wanted, "one"), process(driver, wanted, "other")]
    reports: list[list[PassReport]] = [[], []]
    async with ticking(driver):
        for _ in range(12):
            passes = (r.run_pass(seen.append) for r, seen in zip(runs, reports, strict=True))
            await asyncio.gather(*passes)
            await asyncio.sleep(0.05)
    acted = [any(report.started for report in seen) for seen in reports]
    assert sorted(acted) == [False, True]
    idle = reports[acted.index(False)]
    assert any("who may write" in wait.reason for report in idle for wait in report.plan.waits)
    assert driver.world.builder.built == [wanted.images["web"].key], "built once"


async def test_a_look_that_fails_in_between_is_taken_again() -> None:
    driver = stocked(WEB, CACHE)
    driver.world.engine.fail("observe", 3, ProviderError("TST503", "engine", "it is gone"), times=2)
    ended = await run(driver, desired(WEB, CACHE))
    assert ended.result == "settled"


async def test_an_engine_that_vanishes_is_not_an_empty_one() -> None:
    driver = stocked(WEB, CACHE)
    await run(driver, desired(WEB, CACHE))
    before = set(driver.world.engine.ground.containers)
    driver.world.engine.fail("observe", 2, ProviderError("TST503", "engine", "it is gone"), times=None)
    calls = len(driver.world.engine.made)
    ended = await run(driver, desired(replace(WEB, image="ours:2"), CACHE, at=2))
    assert ended.result == "unreadable"
    assert set(driver.world.engine.ground.containers) == before
    assert not [
        c for c in driver.world.engine.made[calls:] if c.verb in ("remove_instance", "retire_instance")
    ]


async def test_a_build_that_fails_is_told_while_the_other_service_is_healed() -> None:
    driver = stocked(WEB, CACHE)
    await run(driver, desired(WEB, CACHE))
    ground = driver.world.engine.ground
    (cache,) = [c for c in ground.containers.values() if "_cache_" in c.name]
    driver.world.engine.hand.remove(cache.name)
    driver.world.builder.fail("*", Refused("TST001", "Dockerfile", "RUN make failed"), ["#5 make: error"])
    ended = await run(driver, desired(replace(WEB, image="ours:2"), CACHE, at=2))
    assert ended.result == "failed"
    failed = [o for o in ended.outcomes if o.result == "failed"]
    assert [(o.code, o.log_tail[-1]) for o in failed] == [("TST001", "#5 make: error")]
    names = sorted(c.name.split("_")[2] for c in ground.containers.values())
    assert names == ["cache", "web"], "the old web serves on, the cache is back"


async def test_a_bad_version_is_rolled_back_and_reported_as_that() -> None:
    driver = stocked(WEB)
    await run(driver, desired(WEB))
    bad = replace(WEB, image="ours:2")
    driver.world.behave(bad, Behaviour(exits_after=0.2))
    ended = await run(driver, desired(bad, at=2))
    assert ended.result == "rolled_back"


async def test_time_that_is_over_is_no_success() -> None:
    slow = replace(WEB, deadline=10_000.0)
    driver = stocked(slow)
    driver.world.behave(slow, Behaviour(healthy_after=9_000.0))
    ended = await run(driver, desired(slow), within=0.5)
    assert (ended.result, ended.timed_out) == ("waiting", True)


async def test_no_secret_is_in_what_is_reported() -> None:
    secretive = replace(WEB, secrets=(("password", PASSWORD),))
    driver = stocked(secretive)
    reports: list[PassReport] = []
    driver.world.engine.fail("create_instance.put_secrets", times=1)
    async with ticking(driver):
        ended = await converge(desired(secretive), driver.clients, within=20.0, report=reports.append)
    assert ended.result == "settled"
    assert "failed" in {o.result for o in ended.outcomes}
    assert PASSWORD not in repr(ended) + repr(reports)
    assert PASSWORD not in repr([c.labels for c in driver.world.engine.ground.containers.values()])

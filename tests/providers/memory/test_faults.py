"""Faults, crash points, slow calls: what the memory engine adds to a real one."""

from __future__ import annotations

import asyncio

import pytest

from providers.memory import CrashAt, Killed
from reconciler.observed import Marker, Phase
from reconciler.provider import ProviderError
from worlds import OWNER, MemoryWorld, Sketch, blueprint, desired

WEB = Sketch("web", networks=("default", "back"), secrets=(("password", "x"),))


async def begun() -> MemoryWorld:
    """A world in which an instance of WEB can be created."""
    world, wanted = MemoryWorld(), desired(WEB)
    world.build(WEB)
    for network in wanted.networks.values():
        await world.engine.create_network(OWNER, network)
    await world.engine.pull(wanted.services["web"].image.ref.with_digest(world.digest(WEB)), None)
    return world


async def create(world: MemoryWorld, number: int = 1) -> None:
    wanted = desired(WEB)
    drawn = blueprint(wanted, "web", world.digest(WEB), number, await world.look(wanted))
    await world.engine.create_instance(drawn, {"password": "x"})


async def test_every_boundary_of_a_create_is_a_crash_point() -> None:
    world = await begun()
    world.engine.hook = counter = CrashAt()
    await create(world)
    steps = [f"{when} {call.step}" for call, when in counter.crossed]
    assert steps == [
        f"{w} {s}" for s in ("create", "connect", "put_secrets", "start") for w in ("before", "after")
    ]
    for index in range(len(steps)):
        world = await begun()
        world.engine.hook = CrashAt(index)
        with pytest.raises(Killed):
            await create(world)
        world.engine.recover()
        phases = [i.phase for i in await world.instances()]
        expected = [] if index == 0 else [Phase.RUNNING] if index == 7 else [Phase.CREATED]
        assert phases == expected, steps[index]


async def test_a_fault_after_the_effect_is_a_lost_reply() -> None:
    world = await begun()
    world.engine.fail("create_instance.start", when="after")
    with pytest.raises(ProviderError):
        await create(world)
    assert [i.phase for i in await world.instances()] == [Phase.RUNNING]


async def test_the_nth_call_fails_and_the_next_succeeds() -> None:
    world = await begun()
    world.engine.fail("create_instance.create", nth=2)
    await create(world, 1)
    with pytest.raises(ProviderError):
        await create(world, 2)
    await create(world, 2)
    assert len(await world.instances()) == 2


async def test_a_fault_without_end_lasts_until_recovery() -> None:
    world = await begun()
    world.engine.fail("observe", times=None)
    for _ in range(3):
        with pytest.raises(ProviderError):
            await world.look()
    world.engine.recover()
    await world.look()


async def test_a_slow_call_is_in_flight_until_the_clock_moves() -> None:
    world = await begun()
    world.engine.time.auto = False
    world.engine.last("create_instance.start", 30.0)
    task = asyncio.create_task(create(world))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not task.done()
    assert [i.phase for i in await world.instances()] == [Phase.CREATED]
    world.engine.advance(30.0)
    await task
    assert [i.phase for i in await world.instances()] == [Phase.RUNNING]


async def test_markers_without_compare_and_swap_can_be_made_for_a_test() -> None:
    world = MemoryWorld()
    for value in ("a", "b"):
        world.engine.hand.write_marker(OWNER, Marker("lease", "", 1, value))
    assert sorted(m.value for m in (await world.look()).markers) == ["a", "b"]

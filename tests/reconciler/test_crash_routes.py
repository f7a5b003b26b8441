"""kill -9 at every boundary of an update with a route: the same end as without, and no request is lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from crash_scenes import Scene, at, end_of
from driver import Driver
from providers.memory import Behaviour, CrashAt, Killed
from providers.memory.faults import Call, When
from reconciler.desired import Desired
from simulated_clients import Crowd
from sketches import Sketch

ROLLING = Sketch("web", route=(("host", "web.test"),), check=False, replicas=2, monitor=1.0)
BLUE_GREEN = replace(ROLLING, rollout=(("strategy", "blue-green"),))
STEPS = ({"weight": 10, "pause": 1.0}, {"weight": 60, "pause": 1.0})
CANARY = replace(ROLLING, replicas=1, rollout=(("strategy", "canary"), ("steps", STEPS)))
ONE = replace(ROLLING, replicas=1)
STOPS = Behaviour(stops_answering_after=3.0, no_healthcheck=True)
SCENES = (
    Scene("rolling", (ROLLING,), (replace(ROLLING, image="ours:2"),)),
    Scene("blue-green", (BLUE_GREEN,), (replace(BLUE_GREEN, image="ours:2"),)),
    Scene("canary", (CANARY,), (replace(CANARY, image="ours:2"),)),
    Scene("first route", (replace(ONE, route=None),), (ONE,)),
    Scene("another network", (ONE,), (replace(ONE, networks=("front",)),)),
    Scene("it stops answering", (ONE,), (replace(ONE, image="ours:3", monitor=4.0),), STOPS),
)


async def live_through(driver: Driver, wanted: Desired, crowd: Crowd) -> None:
    """Until the plan settles, while clients ask."""
    for _ in range(400):
        decided = await driver.run_pass(wanted)
        crowd.ask()
        if decided.settled:
            return
        if not decided.actions:
            now = driver.world.engine.clock
            times = [w.next_look for w in decided.waits if w.next_look is not None]
            driver.world.engine.advance(max(0.25, min(times, default=now) - now))
            crowd.ask()
    raise AssertionError(f"it does not settle: {decided}")


async def play(scene: Scene, index: int | None) -> tuple[CrashAt, object, Crowd]:
    driver = Driver()
    driver.stock.add(*scene.before, *scene.after)
    driver.world.build(*scene.before, *scene.after)
    await driver.settle(at(scene.before, 1))
    for sketch in scene.after:
        if scene.behaviour != Behaviour():
            driver.world.behave(sketch, scene.behaviour)
    wanted, doom = at(scene.after, 2), CrashAt(index)
    crowd = Crowd(driver.world.proxies, lambda: wanted, lambda words: None, lambda c: c.behaviour == STOPS)

    def cross(call: Call, when: When) -> None:
        crowd.cross(call, when)
        doom(call, when)

    driver.world.engine.hook = cross
    crowd.ask()
    try:
        await live_through(driver, wanted, crowd)
    except Killed:
        driver.world.engine.hook = crowd.cross
        for task in driver.executor.tasks.values():
            task.cancel()
        await asyncio.sleep(0)
        driver.restart()
        await live_through(driver, wanted, crowd)
    return doom, await end_of(driver, wanted), crowd


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
async def test_a_crash_at_any_boundary_loses_nothing(scene: Scene) -> None:
    whole, expected, crowd = await play(scene, None)
    assert len(whole.crossed) > 8
    assert not crowd.lost
    for index in range(0, len(whole.crossed), 1 if scene in SCENES[:3] else 2):
        _, end, crowd = await play(scene, index)
        assert end == expected, (index, whole.crossed[index])
        assert not crowd.lost, (index, whole.crossed[index], crowd.lost)
        assert crowd.answered["web"] > 5

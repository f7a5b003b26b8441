"""kill -9 at every boundary of every call, then another process: the same end as without a crash."""

from __future__ import annotations

import asyncio

import pytest

from crash_scenes import SCENES, Scene, at, end_of
from driver import Driver
from providers.memory import CrashAt, Killed


async def play(scene: Scene, index: int | None) -> tuple[CrashAt, object]:
    driver = Driver()
    driver.stock.add(*scene.before, *scene.after)
    await driver.settle(at(scene.before, 1))
    for sketch in scene.after:
        if sketch not in scene.before:
            driver.world.behave(sketch, scene.behaviour)
    engine, hook, wanted = driver.world.engine, CrashAt(index), at(scene.after, 2)
    engine.hook = hook
    driver.world.builder.faults.hook = hook
    try:
        await driver.settle(wanted)
    except Killed:
        driver.world.builder.faults.hook = None
        engine.recover()
        for task in driver.executor.tasks.values():
            task.cancel()
        await asyncio.sleep(0)
        driver.restart()
        await driver.settle(wanted)
    return hook, await end_of(driver, wanted)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
async def test_a_crash_at_any_boundary_changes_nothing_of_the_end(scene: Scene) -> None:
    whole, expected = await play(scene, None)
    assert len(whole.crossed) > 4
    for index in range(len(whole.crossed)):
        _, end = await play(scene, index)
        assert end == expected, (index, whole.crossed[index])

"""kill -9 of a loop at every boundary of all that it does, then another process: the same end as without.

A boundary is a moment before or after the effect of any call to the engine, the registry or the builder, and
the moment when a pass is recorded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from crash_scenes import SCENES, Scene, at, end_of
from driver import Driver
from providers.memory import Killed
from providers.memory.faults import Call, When
from reconciler.desired import Desired
from reconciler.loop import PassReport
from simulated_laws import Laws
from simulated_process import Process
from virtual_time import run_virtually

_TICK = 0.5
_RECORDED = "the pass is recorded"


@dataclass
class Doom:
    """Dies at boundary number ``index``: from there on nothing that this process does has an effect."""

    index: int | None
    laws: Laws
    crossed: list[str] = field(default_factory=list)
    died: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, call: Call, when: When) -> None:
        self.laws.cross(call, when)
        self.meet(f"{when} {call}")

    def meet(self, words: str) -> None:
        if self.died.is_set():
            raise Killed(words)
        if words == _RECORDED and self.crossed[-1:] == [_RECORDED]:
            return  # nothing was done since
        self.crossed.append(words)
        if len(self.crossed) - 1 == self.index:
            self.died.set()
            raise Killed(words)


async def play(scene: Scene, index: int | None) -> tuple[Doom, object]:
    driver, broken = Driver(), list[str]()
    driver.stock.add(*scene.before, *scene.after)
    await driver.settle(at(scene.before, 1))
    for sketch in scene.after:
        if sketch not in scene.before:
            driver.world.behave(sketch, scene.behaviour)
    world, wanted = driver.world, at(scene.after, 2)
    laws = Laws(world.engine, lambda: wanted, broken.append)
    doom = Doom(index, laws)
    world.engine.hook = world.builder.faults.hook = world.registry.faults.hook = doom
    clock = asyncio.create_task(_tick(driver))
    process = _begin(driver, doom, wanted, laws)
    await _until(lambda: doom.died.is_set() or _is_done(process, wanted))
    if doom.died.is_set():
        await process.kill()
        world.engine.hook = laws.cross
        world.builder.faults.hook = world.registry.faults.hook = None
        process = _begin(driver, None, wanted, laws)
        await _until(lambda: _is_done(process, wanted))
    await process.stop()
    clock.cancel()
    with suppress(asyncio.CancelledError):
        await clock
    assert not broken, broken
    return doom, await end_of(driver, wanted)


def _begin(driver: Driver, doom: Doom | None, wanted: Desired, laws: Laws) -> Process:
    def passed(desired: Desired, report: PassReport, seconds: float) -> None:
        laws.passed(desired, report, seconds)
        if doom is not None:
            doom.meet(_RECORDED)

    process = Process("second" if doom is None else "first", driver, 60.0, passed)
    laws.watch(process.window, process.name, lambda: process.commit)
    # The lease of the first one, which is dead, runs out before the second acts.
    process.offer(wanted)
    return process


def _is_done(process: Process, wanted: Desired) -> bool:
    rest = process.keeper.rest
    return rest is not None and rest.desired.commit == wanted.commit and not process.keeper.in_flight


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(1800.0):
        while not condition():
            await asyncio.sleep(_TICK)


async def _tick(driver: Driver) -> None:
    while True:
        await asyncio.sleep(_TICK)
        driver.world.engine.advance(_TICK)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_a_loop_that_dies_at_any_boundary_changes_nothing_of_the_end(scene: Scene) -> None:
    whole, expected = run_virtually(play(scene, None))
    assert len(whole.crossed) > 8
    for index in range(len(whole.crossed)):
        doom, end = run_virtually(play(scene, index))
        assert doom.died.is_set(), (index, whole.crossed[index])
        assert end == expected, (index, whole.crossed[index])

"""A day of a loop in virtual time: commits, hints, removals by hand. What it holds does not grow."""

from __future__ import annotations

import asyncio
import gc
import os
import tracemalloc
from dataclasses import replace

from driver import Driver
from random_worlds import Meddling, meddle
from simulated_process import Process
from sketches import Sketch, desired
from virtual_time import run_virtually

_WEB = Sketch("web", image="redis:7", check=False, monitor=0.1)
_TICK = 0.5
_WARM, _MEASURED = 40, 50
_MOST_GROWTH = 40_000
"""Bytes over the measured rounds: rollouts that each leave a kilobyte are too many. It is near none."""


async def live(process: Process, first: int, rounds: int) -> None:
    """Each round: a commit, a burst of hints, a removal by hand, and quiet for longer than a sweep."""
    engine = process.driver.world.engine
    for number in range(first, first + rounds):
        commit = f"{number:040x}"
        wanted = desired(replace(_WEB, environment=(("N", str(number)),)))
        process.offer(replace(wanted, commit=commit, lineage={}))
        await _until(process, commit)
        for _ in range(20):
            process.keeper.hint()
        meddle(engine, Meddling("remove", number))
        process.keeper.hint()
        await asyncio.sleep(90.0)
        await _until(process, commit)
        engine.made.clear()


async def _until(process: Process, commit: str) -> None:
    async with asyncio.timeout(600.0):
        while (rest := process.keeper.rest) is None or rest.desired.commit != commit:
            await asyncio.sleep(_TICK)


async def _tick(driver: Driver) -> None:
    while True:
        await asyncio.sleep(_TICK)
        driver.world.engine.advance(_TICK)


async def day() -> tuple[int, int, int]:
    """Bytes and descriptors that were added between a warm start and the evening, and how many passes."""
    driver = Driver()
    driver.world.publish("redis:7")
    clock = asyncio.create_task(_tick(driver))
    process = Process("one", driver, 60.0, lambda desired, report, seconds: None)
    await live(process, 1, _WARM)
    gc.collect()
    bytes_before, descriptors = tracemalloc.get_traced_memory()[0], len(os.listdir("/proc/self/fd"))
    await live(process, 1 + _WARM, _MEASURED)
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - bytes_before
    passes = sum(process.keeper.tally.passes.counts)
    await process.stop()
    clock.cancel()
    return grown, len(os.listdir("/proc/self/fd")) - descriptors, passes


def test_memory_and_descriptors_are_flat_over_a_day() -> None:
    tracemalloc.start()
    try:
        grown, descriptors, passes = run_virtually(day())
    finally:
        tracemalloc.stop()
    assert descriptors == 0
    assert passes > 1000
    assert grown < _MOST_GROWTH, f"{grown} bytes"

"""Every kind of call of an apply meets faults, and the apply still ends as if there had been none."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from contextlib import ExitStack

import pytest

from e2e import Site
from fault_schedule import Schedule
from faulted_site import FaultedSite, faulty_before
from ground import RunningEngine

pytestmark = pytest.mark.engine
SEEDS = {"20.10": 20, "26.1": 26}
CLASSES = int(os.environ.get("RECONCILER_TEST_FAULTS", "3"))
"""How many classes of fault each kind of call meets, drawn anew for each engine; 0 is every one, which takes
minutes. Every class on every kind, verb by verb, is in the contract tests."""
SITES = 1
PATIENCE = 240.0
"""Seconds after which no site begins another version while faults are left."""


async def live_through(site: Site, schedule: Schedule) -> FaultedSite:
    """Versions and meddling, all through a failing engine, and at the end one look without faults."""
    began = time.monotonic()
    async with faulty_before(site) as faulty:
        place = FaultedSite(site, faulty)
        await asyncio.to_thread(place.add_strangers)
        strangers = await asyncio.to_thread(place.strangers)
        faulty.choose = schedule.chooser()
        for version in itertools.count(1):
            place.declare(version)
            await place.apply()
            await asyncio.to_thread(place.check, version)
            if version > 1:
                await place.meddle()
                await place.apply()
                await asyncio.to_thread(place.check, version)
            over = CLASSES or not schedule.unmet() or time.monotonic() - began > PATIENCE
            if version > 1 and over:
                break
        faulty.choose, place.moment = lambda call: None, 20.0
        assert await place.apply() == 1
        assert (await place.apply_once()).outcomes == ()
        await asyncio.to_thread(place.check, version, is_last=True)
        assert await asyncio.to_thread(place.strangers) == strangers
        return place


async def test_an_apply_through_faults_ends_the_same(
    newest_engine: RunningEngine, registry_host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = Schedule(SEEDS.get(newest_engine.version, 1), CLASSES)
    with ExitStack() as stack:
        sites = [stack.enter_context(Site(newest_engine, registry_host)) for _ in range(SITES)]
        monkeypatch.setenv("HOME", str(sites[0].folder))
        monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
        for site in sites:
            prefix = site.project.upper().replace("-", "_")
            monkeypatch.setenv(f"RECONCILER_SECRET_{prefix}__DEV__TOKEN", "correct-horse")
        places = await asyncio.gather(*(live_through(site, schedule) for site in sites))
    applies, errors = sum(p.applies for p in places), sum(len(p.errors) for p in places)
    told = (
        f"{schedule.count()} faults on {len(schedule.met)} kinds of calls, {applies} applies, {errors} errors"
    )
    print(told)
    assert len(schedule.met) >= 28, told
    assert schedule.count() >= len(schedule.met) * (CLASSES or 27) * 0.6, (told, schedule.unmet())

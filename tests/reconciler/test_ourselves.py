"""A loop updates the service that it runs in: the new instance takes over, or the old one goes on."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from plan_case import read_case
from plan_look import look
from providers.memory import Behaviour
from reconciler.lease import read_lease
from reconciler.ourselves import is_succeeded
from reconciler.plan import plan
from self_site import SelfSite, self_site
from sketches import Sketch, desired
from virtual_time import run_virtually

FIRST, SECOND, OTHER = Sketch("self", "ours:1"), Sketch("self", "ours:2"), Sketch("other", "ours:1")
CASES = Path(__file__).resolve().parents[1] / "plan_cases"


async def update(site: SelfSite) -> str:
    """Say the second commit; the id of the container that kept the first."""
    await asyncio.sleep(3.0)
    (old,) = site.running()
    site.say(desired(SECOND, at=2))
    return old


def is_nobody_its_own_end(site: SelfSite) -> bool:
    return all(process != container for process, container in site.stopped_by)


def test_the_new_one_retires_the_old_and_proves_itself() -> None:
    async def live() -> None:
        async with self_site(desired(FIRST), FIRST, SECOND) as site:
            old = await update(site)
            await site.until_settled()
            (new,) = site.running()
            assert new != old
            assert site.roles() == {old: "kept", new: "live"}
            assert site.stopped_by == [(new, old)]

    run_virtually(live())


def test_a_new_one_that_never_gets_healthy_is_held_and_the_old_one_goes_on() -> None:
    async def live() -> None:
        async with self_site(desired(FIRST), FIRST, SECOND) as site:
            site.driver.world.behave(SECOND, Behaviour(healthy_after=None))
            old = await update(site)
            await site.until_settled()
            assert site.running() == [old]
            assert sorted(site.roles().values()) == ["held", "live"]
            assert [process for process, _ in site.stopped_by] == [old]
            third = Sketch("self", "ours:3")
            site.driver.stock.add(third)
            site.say(desired(third, at=3))
            await site.until_settled()
            assert old not in site.running()
            assert len(site.running()) == 1
            assert is_nobody_its_own_end(site)

    run_virtually(live())


@pytest.mark.parametrize("victim", ["old", "new"])
def test_whichever_is_killed_whenever_it_ends_the_same(victim: str) -> None:
    async def live(after: float) -> None:
        async with self_site(desired(FIRST), FIRST, SECOND) as site:
            for verb in ("create_instance.create", "create_instance.start", "retire_instance.stop"):
                site.driver.world.engine.last(verb, 1.0)
            old = await update(site)
            await asyncio.sleep(after)
            for name in [n for n in site.running() if (n == old) == (victim == "old")]:
                await site.kill(name)
            await site.until_settled()
            (new,) = site.running()
            assert site.roles() == {old: "kept", new: "live"}, after
            assert is_nobody_its_own_end(site)

    for step in range(0, 200, 8):
        run_virtually(live(step / 10))


@pytest.mark.parametrize(
    ("case_name", "expected"),
    [
        ("self-the-old-one-waits-to-be-replaced", True),
        ("self-the-new-one-starts-beside-it", False),
        ("self-a-failed-new-one-is-held", False),
        ("self-the-new-one-retires-the-old", False),
    ],
)
def test_it_hands_over_only_to_a_newer_one_that_is_ready(case_name: str, expected: bool) -> None:
    case = read_case(CASES / f"{case_name}.yaml")
    wanted, observed = case.resolve(), look(case)
    decided = plan(wanted, observed, observed.at)
    assert is_succeeded(wanted, observed, decided) is expected


def test_who_hands_over_begins_nothing_else_and_gives_the_lease_back() -> None:
    """With work of its own the old process would renew its lease for ever, and the new one never get it."""

    async def live() -> None:
        async with self_site(desired(FIRST), FIRST, SECOND, OTHER) as site:
            site.is_begun = lambda name: len(site.processes) == 0  # the new one is up, and does nothing yet
            old = await update(site)
            await asyncio.sleep(30.0)
            assert len(site.running()) == 2
            site.say(desired(SECOND, OTHER, at=3))
            await asyncio.sleep(100.0)
            names = [c.name for c in site.driver.world.engine.ground.containers.values()]
            assert not [name for name in names if name.startswith("shop_dev_other_")]
            assert read_lease(await site.driver.look(site.wanted)).until == 0.0
            site.is_begun = lambda name: True
            await site.until_settled()
            assert old not in site.running()

    run_virtually(live())

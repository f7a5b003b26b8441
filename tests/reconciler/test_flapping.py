"""What somebody undoes again and again: healed ever more slowly, told with both sides, calm in the end."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from keeping import Keeping, keeping
from providers.memory import Behaviour
from reconciler.desired import Subject
from reconciler.flapping import calm_at, is_unstable, remember
from reconciler.hand_stop import how_to_keep
from reconciler.loop_seen import LivingLoop, read_loop
from reconciler.plan import plan
from reconciler.render_status import render_status
from reconciler.status import ServiceStatus, assess_status
from sketches import OWNER, Sketch, desired
from virtual_time import run_virtually

WEB = Sketch("web", image="redis:7", check=False, monitor=1.0, memory=64 << 20)
ONE = Subject("Service", "web", "shop_dev_web_01234567_1")


def spaced(seconds: float, times: int, first: float = 0.0) -> tuple[float, ...]:
    found: tuple[float, ...] = ()
    for number in range(times):
        found = remember(found, first + number * seconds)
    return found


def test_fifty_removals_three_seconds_apart_are_healed_at_once() -> None:
    times = spaced(3.4, 50)
    assert all(calm_at({ONE: times[:n]}, ONE) == 0.0 for n in range(1, 51))


def test_a_quick_fight_is_slowed_down_and_a_long_one_slower_still_but_never_to_more_than_a_minute() -> None:
    def fight(seconds: float) -> list[float]:
        now, times, pauses = 0.0, (), []
        while now < seconds:
            calm = calm_at({ONE: times}, ONE)
            pauses.append(max(0.0, calm - now))
            now = max(now, calm)
            times = remember(times, now)
            now += 0.5
        return pauses

    pauses = fight(4 * 3600.0)
    assert pauses[:20] == [0.0] * 20
    assert len(fight(600.0)) < 180
    assert len(pauses) - len(fight(3 * 3600.0)) < 300, (
        "an hour of it is some two hundred heals, not thousands"
    )
    assert max(pauses) <= 60.0


def test_a_service_whose_replacements_take_turns_is_slowed_down_as_well() -> None:
    two = replace(ONE, instance="shop_dev_web_01234567_2")
    healed = {ONE: spaced(1.0, 30), two: spaced(1.0, 30, 0.5)}
    assert calm_at(healed, ONE) > 29.5
    assert is_unstable(healed, "web", 30.0)
    assert not is_unstable(healed, "api", 30.0)


def test_it_is_calm_again_when_the_window_has_passed() -> None:
    healed = {ONE: spaced(10.0, 5)}
    assert is_unstable(healed, "web", 60.0)
    assert not is_unstable(healed, "web", 700.0)
    assert remember(spaced(1.0, 3), 5000.0) == (5000.0,)


async def status(it: Keeping) -> tuple[ServiceStatus, LivingLoop, str]:
    """As another process sees it, which knows nothing but what the runtime tells."""
    observed = await it.look()
    loop = read_loop(observed)
    snapshot = it.keeper.snapshot
    assert loop is not None
    assert snapshot is not None
    wanted = snapshot.desired
    decided = plan(wanted, observed, observed.at)
    (found,) = assess_status(wanted, observed, decided, observed.at, loop.unstable)
    return found, loop, render_status([found], wanted, observed, loop=loop)


def test_an_actor_that_edits_what_we_set_makes_the_service_unstable_with_both_sides_shown() -> None:
    async def live() -> None:
        async with keeping(WEB) as it:
            it.offer(desired(WEB))
            await it.until(lambda: it.rests)
            engine, (name,) = it.driver.world.engine, it.running()

            def meddle() -> None:
                engine.hand.edit(name, "deploy.resources.limits.memory", 32 << 20)

            stop_at = asyncio.get_running_loop().time() + 400.0
            while asyncio.get_running_loop().time() < stop_at:
                meddle()
                it.keeper.hint()
                await asyncio.sleep(0.5)
            mends = it.begun("MendInstance")
            assert 20 < mends < 140, "some minutes of a fight, and no storm"
            found, _, shown = await status(it)
            assert found.state == "unstable"
            assert found.reason is not None
            assert f"set to {64 << 20}" in found.reason.replace('"', "")
            assert f"found as {32 << 20}" in found.reason.replace('"', "")
            assert "unstable" in shown
            assert it.keeper.tally.unstable == 1
            await asyncio.sleep(661.0)
            found, loop, _ = await status(it)
            assert (found.state, dict(loop.unstable)) == ("settled", {})
            meddle()
            it.keeper.hint()
            await it.until(lambda: it.begun("MendInstance") == mends + 1, 30.0)

    run_virtually(live())


def test_an_actor_that_takes_away_what_we_make_is_no_storm_either() -> None:
    async def live() -> None:
        async with keeping(WEB) as it:
            it.offer(desired(WEB))
            await it.until(lambda: it.rests)
            stop_at = asyncio.get_running_loop().time() + 400.0
            while asyncio.get_running_loop().time() < stop_at:
                for name in it.running():
                    it.driver.world.engine.hand.remove(name)
                await asyncio.sleep(0.5)
            assert 20 < it.begun("CreateInstance") < 140
            found, _, _ = await status(it)
            assert (found.state, found.reason is not None) == ("unstable", True)
            assert "it is made, and taken away again" in str(found.reason)
            assert await it.until(it.running, 70.0) <= 61.0, "still healed, within a minute"

    run_virtually(live())


def test_a_deliberate_stop_is_healed_and_told_as_one_with_what_to_type() -> None:
    async def live() -> None:
        async with keeping(WEB) as it:
            it.offer(desired(WEB))
            await it.until(lambda: it.rests)
            (name,) = it.running()
            it.driver.world.engine.hand.stop(name)
            await it.until(lambda: it.running() == [name] and len(it.rests) > 1)
            (outcome,) = (o for o in it.rests[-1].outcomes if o.action.subject.kind == "Service")
            assert outcome.action.cause.type == "drift"
            (words,) = outcome.action.cause.refs
            assert words.startswith("it was stopped by hand (exit code ")
            assert how_to_keep(OWNER, outcome.action) == "reconciler suspend dev web --reason TEXT"

    run_virtually(live())


def test_a_proved_service_that_keeps_dying_of_memory_is_unstable_and_left_to_the_engine() -> None:
    dying = replace(WEB, image="redis:8", monitor=0.2)

    async def live() -> None:
        async with keeping(dying, images=("redis:8",)) as it:
            engine = it.driver.world.engine
            does = Behaviour(exits_after=60.0, exit_code=137, out_of_memory=True)
            engine.behave(it.driver.world.publish("redis:8"), does)
            it.offer(desired(dying))
            await it.until(lambda: it.rests and it.rests[-1].result == "settled")
            made = len([c for c in engine.made if "marker" not in c.verb])
            reasons: set[str] = set()
            for _ in range(60):
                await asyncio.sleep(5.0)
                found, _, _ = await status(it)
                reasons.add(f"{found.state}: {found.reason}")
            assert len([c for c in engine.made if "marker" not in c.verb]) == made, (
                "nothing of ours restarts it"
            )
            assert (await status(it))[0].state == "unstable"
            assert any(r.startswith("unstable: ") for r in reasons)

    run_virtually(live())

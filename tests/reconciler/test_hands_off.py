"""Hands off and back: what is suspended is left exactly as it is, by loops, whoever swept the marker away."""

from __future__ import annotations

from dataclasses import replace

from keeping import keeping
from providers.memory import Behaviour
from reconciler.observed import Phase
from reconciler.view import newest_markers
from sketches import Sketch, desired
from virtual_time import run_virtually

WEB = Sketch("web", image="redis:7", check=False, monitor=1.0)
API = Sketch("api", image="redis:7", check=False, monitor=1.0)


def test_a_suspended_service_is_neither_healed_nor_rolled_out_and_others_go_on() -> None:
    async def live() -> None:
        async with keeping(WEB, API) as it:
            it.offer(desired(WEB, API))
            await it.until(lambda: it.rests)
            (web,), (api,) = it.running("web"), it.running("api")
            await it.say("suspend", "web", 1, active=True, reason="debugging", until=None, by="ann")
            it.driver.world.engine.hand.remove(web)
            it.driver.world.engine.hand.remove(api)
            await it.until(lambda: it.running("api") == [api], 5.0)
            changed = [replace(s, environment=(("A", "1"),)) for s in (WEB, API)]
            it.offer(desired(*changed, at=2))
            await it.until(lambda: it.rests[-1].desired.commit == desired(at=2).commit)
            assert it.running("web") == [], "nothing of it is made"
            await it.say("suspend", "web", 2, active=False)
            assert await it.until(lambda: it.running("web"), 5.0) < 2.0, "resume is heard at once"

    run_virtually(live())


def test_a_suspended_service_that_left_git_is_not_pruned_before_it_is_resumed() -> None:
    async def live() -> None:
        async with keeping(WEB, API) as it:
            it.offer(desired(WEB, API))
            await it.until(lambda: it.rests)
            await it.say("suspend", "web", 1, active=True, reason="data", until=None)
            it.offer(desired(API, at=2))
            await it.until(lambda: it.rests[-1].desired.commit == desired(at=2).commit)
            assert len(it.running("web")) == 1
            assert any("suspended: data" in w.reason for w in it.rests[-1].plan.waits)
            await it.say("suspend", "web", 2, active=False)
            await it.until(lambda: not it.running("web"))

    run_virtually(live())


def test_a_suspension_ends_by_itself_on_the_runtimes_clock() -> None:
    async def live() -> None:
        async with keeping(WEB) as it:
            it.offer(desired(WEB))
            await it.until(lambda: it.rests)
            (name,) = it.running()
            until = it.driver.world.engine.clock + 120.0
            await it.say("suspend", "", 1, active=True, reason="an hour off", until=until)
            it.driver.world.engine.hand.stop(name)
            took = await it.until(lambda: it.running() == [name], 300.0)
            assert 119.0 < took < 125.0, took

    run_virtually(live())


def test_a_rollout_that_is_suspended_stays_where_it_is_and_goes_on_when_resumed() -> None:
    bad = replace(WEB, image="redis:8", check=True, deadline=30.0)

    async def live() -> None:
        async with keeping(WEB, bad, images=("redis:8",)) as it:
            never = Behaviour(healthy_after=None)
            it.driver.world.engine.behave(it.driver.world.publish("redis:8"), never)
            it.offer(desired(WEB))
            await it.until(lambda: it.rests)
            it.offer(desired(bad, at=2))
            await it.until(lambda: len(it.running()) == 2)
            both = it.running()
            await it.say("suspend", "web", 1, active=True, reason="let me look", until=None)
            await it.until(lambda: it.rests[-1].desired.commit == desired(at=2).commit)
            made = len(it.driver.world.engine.made)
            for _ in range(600):
                await it.until(lambda: it.running() == both, 0.2)
            deeds = [c for c in it.driver.world.engine.made[made:] if "marker" not in c.verb]
            assert deeds == [], "also past its deadline nothing is taken away"
            await it.say("suspend", "web", 2, active=False)
            await it.until(lambda: it.rests[-1].result == "rolled_back")

    run_virtually(live())


def test_a_marker_that_was_swept_away_counts_still_and_is_put_back() -> None:
    async def live() -> None:
        async with keeping(WEB) as it:
            it.offer(desired(WEB))
            await it.until(lambda: it.rests)
            (name,) = it.running()
            await it.say("suspend", "web", 7, active=True, reason="debugging", until=None, by="ann")
            await it.until(lambda: any("suspended" in w.reason for w in it.reports[-1].plan.waits))
            it.driver.world.engine.hand.prune_volumes()
            it.driver.world.engine.hand.stop(name)
            volumes = it.driver.world.engine.ground.volumes
            await it.until(
                lambda: [v for v in volumes.values() if v.marker and v.marker.kind == "suspend"], 90
            )
            found = newest_markers((await it.look()).markers)
            assert found["suspend", "web"].sequence == 7
            assert ("loop", "") in found, "its own is written again as well"
            assert it.running() == [], "it counted all the while"
            await it.say("suspend", "web", 8, active=False)
            await it.until(lambda: it.running() == [name])

    run_virtually(live())


def test_resume_by_who_never_saw_the_marker_beats_what_we_remember() -> None:
    async def live() -> None:
        async with keeping(WEB) as it:
            it.offer(desired(WEB))
            await it.until(lambda: it.rests)
            (name,) = it.running()
            await it.say("suspend", "", 7, active=True, reason="debugging", until=None)
            await it.until(lambda: any("suspended" in w.reason for w in it.reports[-1].plan.waits))
            engine = it.driver.world.engine
            engine.hand.prune_volumes()
            await it.say("suspend", "", 1, active=False)
            engine.hand.remove(name)
            await it.until(lambda: it.running() == [name])

    run_virtually(live())


def test_what_has_expired_or_was_resumed_is_not_put_back() -> None:
    async def live() -> None:
        async with keeping(WEB, resync=5.0) as it:
            it.offer(desired(WEB))
            await it.until(lambda: it.rests)
            engine = it.driver.world.engine
            await it.say("suspend", "", 1, active=True, reason="x", until=engine.clock + 5.0)
            await it.until(lambda: any("suspended" in w.reason for w in it.reports[-1].plan.waits))
            await it.until(lambda: not any("suspended" in w.reason for w in it.reports[-1].plan.waits))
            engine.hand.prune_volumes()
            seen = len(it.reports)
            await it.until(lambda: len(it.reports) > seen + 3)
            assert not [v for v in engine.ground.volumes.values() if v.marker and v.marker.kind == "suspend"]

    run_virtually(live())


def test_what_a_person_types_acts_in_an_environment_that_is_suspended_for_loops() -> None:
    async def live() -> None:
        async with keeping(WEB, API) as it:
            it.offer(desired(WEB, API))
            await it.until(lambda: it.rests)
            await it.say("suspend", "", 1, active=True, reason="by hand now", until=None)
            await it.say("suspend", "api", 1, active=True, reason="not this one", until=None)
            changed = [replace(s, environment=(("A", "1"),)) for s in (WEB, API)]
            wanted = desired(*changed, at=2)
            by_hand = replace(wanted, policy=replace(wanted.policy, by_hand=True))
            await it.driver.settle(by_hand)
            observed = await it.look()
            live = {i.service_name: i.commit for i in observed.instances if i.phase is Phase.RUNNING}
            assert live == {"web": wanted.commit, "api": desired(at=1).commit}

    run_virtually(live())


def test_what_waits_for_its_place_is_taken_back_and_what_was_begun_is_finished() -> None:
    many = [replace(WEB, name=f"web{n}") for n in range(12)]
    newer = [replace(sketch, environment=(("A", "1"),)) for sketch in many]

    async def live() -> None:
        async with keeping(*many, *newer) as it:
            engine = it.driver.world.engine
            engine.time.auto = False
            engine.last("create_instance.create", 10.0)
            it.offer(desired(*many))
            await it.until(lambda: it.keeper.in_flight == 12)
            await it.say("suspend", "", 1, active=True, reason="stop", until=None)
            assert await it.until(lambda: it.keeper.in_flight == 4) < 1.0, "at once"
            await it.until(lambda: it.keeper.in_flight == 0)
            await it.until(lambda: it.rests)
            assert len(it.running()) == 4
            await it.say("suspend", "", 2, active=False)
            await it.until(lambda: it.keeper.in_flight == 8)
            it.offer(desired(*newer, at=2))
            await it.until(lambda: it.rests[-1].desired.commit == desired(at=2).commit, 900.0)
            observed = await it.look()
            assert {i.commit for i in observed.instances if not i.role.value} == {desired(at=2).commit}
            assert len({i.name for i in observed.instances if i.commit == desired(at=1).commit}) <= 8
            assert it.rests[-1].result == "settled"

    run_virtually(live())


def test_a_retry_is_heard_at_once() -> None:
    bad = replace(WEB, image="redis:8")

    async def live() -> None:
        async with keeping(WEB, bad, images=("redis:8",)) as it:
            dying = Behaviour(exits_after=0.5, exit_code=2)
            digest = it.driver.world.publish("redis:8")
            it.driver.world.engine.behave(digest, dying)
            it.offer(desired(WEB))
            await it.until(lambda: it.rests)
            it.offer(desired(bad, at=2))
            await it.until(lambda: it.rests[-1].result == "rolled_back")
            held = [i.handle.id for i in (await it.look()).instances if i.role.value == "held"]
            it.driver.world.engine.behave(digest, Behaviour())
            await it.say("retry", "web", 1, instances=held)
            made = it.begun("CreateInstance")
            assert await it.until(lambda: it.begun("CreateInstance") > made, 10.0) < 2.0
            await it.until(lambda: it.rests[-1].result == "settled")

    run_virtually(live())

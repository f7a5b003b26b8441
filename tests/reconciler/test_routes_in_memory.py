"""Routed services through real passes over a world in memory: single faults of the way of requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from driver import Driver
from providers.memory import Behaviour
from providers.memory.container import Container
from reconciler.decision import Plan
from reconciler.desired import Desired
from reconciler.look_at_traffic import TrafficMemory
from reconciler.observed import Instance, Phase
from reconciler.ownership import SERVICE, Role, volume_name
from reconciler.provider import Answer
from reconciler.traffic import short_id
from simulated_clients import Crowd
from sketches import OWNER, Sketch, desired
from specs.proxy import EDGE, INNER, OWN
from specs.route import Ready

WEB = Sketch("web", route=(("host", "web.test"),), check=False)
NEW = replace(WEB, image="ours:2")
VOLUME = volume_name(OWNER, OWN)


async def settled(*sketches: Sketch) -> Driver:
    """A world that has settled on these."""
    driver = Driver()
    await driver.settle(desired(*sketches))
    return driver


def crowd_of(driver: Driver, wanted: Callable[[], Desired]) -> Crowd:
    lost: list[str] = []
    crowd = Crowd(driver.world.proxies, wanted, lost.append)
    crowd.ask()
    return crowd


async def live_through(driver: Driver, wanted: Desired, passes: int = 400) -> tuple[Plan, Crowd]:
    """Until the plan settles; clients ask every quarter of a second."""
    crowd = crowd_of(driver, lambda: wanted)
    driver.world.engine.hook = crowd.cross
    for _ in range(passes):
        decided = await driver.run_pass(wanted)
        crowd.ask()
        if decided.settled:
            return decided, crowd
        if not decided.actions:
            driver.world.engine.advance(0.25)
            crowd.ask()
    raise AssertionError(f"it does not settle: {decided}")


def containers(driver: Driver, service_name: str) -> list[Container]:
    there = driver.world.engine.ground.containers.values()
    return [c for c in there if c.labels.get(SERVICE) == service_name]


async def live(driver: Driver, wanted: Desired, service_name: str) -> list[Instance]:
    seen = await driver.look(wanted)
    return [i for i in seen.instances if i.service_name == service_name and i.role is Role.LIVE]


def table(driver: Driver) -> set[str]:
    return set(driver.world.proxies.shared(VOLUME).tables["web"])


async def test_a_version_that_fails_under_load_alone_is_held_although_it_recovers_without() -> None:
    driver = await settled(WEB)
    driver.world.behave(NEW, Behaviour(fails_under_load=2.0, no_healthcheck=True))
    wanted = desired(NEW, at=2)
    decided, crowd = await live_through(driver, wanted)
    assert [block.held for block in decided.blocks] == [True]
    assert [i.commit for i in await live(driver, wanted, "web")] == [desired(WEB).commit]
    assert len(crowd.lost) < 20


async def test_while_no_proxy_runs_nothing_that_its_tables_lead_to_is_stopped() -> None:
    two = replace(WEB, replicas=2)
    driver = await settled(two)
    for name in (EDGE, INNER):
        for container in containers(driver, name):
            driver.world.engine.hand.set_restart(container.name, "no")
            driver.world.engine.hand.stop(container.name)
    fewer = desired(WEB, at=2)
    fewer = replace(fewer, policy=replace(fewer.policy, heal=False))
    decided = await driver.settle(fewer)
    assert len(await live(driver, fewer, "web")) == 2
    assert any("who has requests" in wait.reason for wait in decided.waits)


async def test_an_instance_that_was_started_again_answers_before_it_gets_requests() -> None:
    driver = await settled(replace(WEB, replicas=2))
    wanted = desired(replace(WEB, replicas=2))
    first, second = containers(driver, "web")
    first.behaviour = Behaviour(answers_after=5.0, no_healthcheck=True)
    driver.world.engine.hand.crash(first.name)
    driver.world.engine.advance(0.2)
    assert first.phase is Phase.RUNNING
    for _ in range(3):
        await driver.run_pass(wanted)
        driver.world.engine.advance(0.5)
    assert table(driver) == {second.id[:12]}
    driver.world.engine.advance(5.0)
    for _ in range(5):
        await driver.run_pass(wanted)
        driver.world.engine.advance(0.5)
    assert table(driver) == {first.id[:12], second.id[:12]}


async def test_an_inner_proxy_is_made_anew_rather_than_started_under_its_names() -> None:
    driver = await settled(WEB)
    api = Sketch("api", route=(("host", "api.test"),), check=False)
    _, both = await live_through(driver, desired(WEB, api, at=2))
    _, back = await live_through(driver, desired(WEB, at=3))
    assert not both.lost
    assert not back.lost
    assert not [call for call in driver.world.engine.made if call.verb == "revive_instance"]


async def test_a_table_of_a_route_that_was_taken_away_is_not_believed() -> None:
    driver = await settled(WEB)
    await driver.settle(desired(replace(WEB, route=None), at=2))
    assert not containers(driver, INNER)
    await driver.settle(desired(replace(NEW, route=None), at=3))
    _, crowd = await live_through(driver, desired(NEW, at=4))
    assert not crowd.lost


async def test_neighbours_reach_a_service_all_the_while_it_gets_its_first_route() -> None:
    driver = await settled(replace(WEB, route=None))
    _, crowd = await live_through(driver, desired(WEB, at=2))
    assert not crowd.lost
    assert crowd.answered["web"] > 10


async def test_the_proxies_follow_a_service_to_another_network_and_leave_the_old_one_last() -> None:
    driver = await settled(replace(WEB, replicas=2))
    edge = containers(driver, EDGE)[0]
    wanted = desired(replace(WEB, replicas=2, networks=("front",)), at=2)
    _, crowd = await live_through(driver, wanted)
    assert not crowd.lost
    assert containers(driver, EDGE) == [edge]
    assert sorted(e.network.split("_")[2] for e in edge.networks.values()) == ["front", "reconciler-proxy"]


def test_what_is_remembered_follows_a_clock_that_is_set_back() -> None:
    memory, ready = TrafficMemory(), Ready()
    memory.note("web-1", Answer(), ready, 1000.0)
    memory.note("web-1", Answer(), ready, 900.0)
    assert memory.note("web-1", Answer(), ready, 901.5).passed


async def test_without_a_proxy_what_is_missing_is_healed_and_a_new_version_waits() -> None:
    driver = await settled(replace(WEB, replicas=2))
    for name in (EDGE, INNER):
        for container in containers(driver, name):
            driver.world.engine.hand.set_restart(container.name, "no")
            driver.world.engine.hand.stop(container.name)
    driver.world.engine.hand.remove(containers(driver, "web")[0].name)
    driver.world.engine.fail("mend_instance", times=None)
    for _ in range(10):
        await driver.run_pass(desired(replace(WEB, replicas=2)))
        driver.world.engine.advance(1.0)
    assert len(containers(driver, "web")) == 2
    for _ in range(10):
        await driver.run_pass(desired(replace(NEW, replicas=2), at=2))
        driver.world.engine.advance(1.0)
    assert {c.image for c in containers(driver, "web")} == {c.image for c in containers(driver, "web")[:1]}
    assert len(containers(driver, "web")) == 2


async def test_a_proxy_that_was_given_nothing_yet_has_not_failed() -> None:
    driver = Driver()
    driver.world.engine.fail("load_proxy", times=None)
    wanted = desired(WEB)
    for _ in range(60):
        await driver.run_pass(wanted)
        driver.world.engine.advance(10.0)
    driver.world.engine.recover()
    driver.world.engine.advance(400.0)
    decided = await driver.settle(wanted)
    assert not decided.blocks
    assert [short_id(i.handle) for i in await live(driver, wanted, "web")] == [*table(driver)]


async def test_who_has_requests_is_asked_all_the_while_it_is_watched() -> None:
    driver = await settled(WEB)
    for sketch in (NEW, replace(NEW, rollout=(("strategy", "canary"), ("steps", ({"weight": 10},))))):
        watched = desired(sketch, at=2)
        for _ in range(20):
            decided = await driver.run_pass(watched)
            found = [w for w in decided.waits if "monitor window" in w.reason or "canary" in w.reason]
            if [w for w in found if w.subject.name == "web"]:
                break
            driver.world.engine.advance(0.25)
        next_looks = [w.next_look for w in found if w.subject.name == "web"]
        now = driver.world.engine.clock
        assert [at for at in next_looks if at is not None and at <= now + 2.0] == next_looks != []
        driver = await settled(WEB)


async def test_a_version_that_waited_for_requests_is_watched_from_when_it_gets_them() -> None:
    driver = await settled(WEB)
    driver.world.engine.fail("switch_route", times=None)
    wanted = desired(NEW, at=2)
    for _ in range(60):
        await driver.run_pass(wanted)
        driver.world.engine.advance(1.0)
    driver.world.engine.recover()
    driver.world.engine.advance(60.0)
    for _ in range(8):
        decided = await driver.run_pass(wanted)
        driver.world.engine.advance(0.5)
    assert [w.reason for w in decided.waits if w.subject.name == "web"] == ["the monitor window ends"]


async def test_the_clients_see_what_is_lost_when_the_order_is_wrong() -> None:
    driver, wanted = await settled(WEB), desired(WEB)
    crowd = crowd_of(driver, lambda: wanted)
    driver.world.engine.hook = crowd.cross
    for _ in range(20):
        crowd.ask()
    (serving,) = await live(driver, wanted, "web")
    await driver.world.engine.remove_instance(OWNER, serving.handle, 10.0)
    assert any("before its end" in words for words in crowd.lost)
    crowd.ask()
    assert any("does not run" in words for words in crowd.lost)


async def test_neighbours_reach_a_service_while_it_loses_its_route_and_another_keeps_one() -> None:
    api = Sketch("api", route=(("host", "api.test"),), check=False)
    driver = await settled(WEB, api)
    wanted = desired(replace(WEB, route=None), api, at=2)
    both = desired(WEB, api)
    neighbours = Crowd(driver.world.proxies, lambda: both, list[str]().append)
    ways = [("web", next(iter(both.networks.values())).object_name)]
    for _ in range(200):
        decided = await driver.run_pass(wanted)
        driver.world.engine.ground.elapse()
        assert [neighbours.neighbour(*way)[0] for way in ways * 3] == ["", "", ""]
        if decided.settled:
            return
        if not decided.actions:
            driver.world.engine.advance(0.25)
    raise AssertionError(f"it does not settle: {decided}")

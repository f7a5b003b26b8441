"""What holds in every world (design, section 4): random commits, meddlings, failures and pauses."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Coroutine
from dataclasses import replace
from typing import TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from driver import Driver
from providers.memory import Behaviour
from random_worlds import Edit, Event, Meddling, behaviours, histories, meddle, services
from reconciler.actions import Action, MendInstance, RemoveInstance, RetireInstance, ReviveInstance
from reconciler.desired import Desired
from reconciler.forecast import forecast
from reconciler.observed import Instance, Observed, Unreadable
from reconciler.ownership import Role
from reconciler.plan import plan
from reconciler.readiness import serves
from sketches import Sketch, desired

T = TypeVar("T")
LOOP = asyncio.new_event_loop()
"""One for all examples: a driver's executor belongs to the loop in which it was first used."""

SLOW = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def run(work: Coroutine[object, object, T]) -> T:
    return LOOP.run_until_complete(work)


async def live_through(driver: Driver, history: tuple[Event, ...]) -> Desired:
    """Every event, with the passes that follow it; the last desired state."""
    driver.world.publish("redis:7")
    wanted, commit_number = desired(), 0
    for event in history:
        if isinstance(event, Edit):
            commit_number += 1
            driver.stock.add(*event.sketches)
            wanted = replace_policy(desired(*event.sketches, at=commit_number))
        elif isinstance(event, Meddling):
            meddle(driver.world.engine, event)
        else:
            driver.world.engine.advance(event.seconds)
        await driver.settle(wanted)
    # A health check that began anew (after a pause) reads as unhealthy for a moment.
    driver.world.engine.advance(10.0)
    await driver.settle(wanted)
    return wanted


def replace_policy(wanted: Desired) -> Desired:
    return replace(wanted, policy=replace(wanted.policy, prune_limit=100))


def shuffled(observed: Observed, seed: int) -> Observed:
    order = random.Random(seed)
    return replace(
        observed,
        instances=tuple(order.sample(observed.instances, len(observed.instances))),
        networks=tuple(order.sample(observed.networks, len(observed.networks))),
        volumes=tuple(order.sample(observed.volumes, len(observed.volumes))),
        markers=tuple(order.sample(observed.markers, len(observed.markers))),
    )


@SLOW
@given(histories())
def test_a_plan_settles_and_a_settled_plan_is_a_fixed_point(history: tuple[Event, ...]) -> None:
    driver = Driver()
    wanted = run(live_through(driver, history))
    calls = len(driver.world.engine.made)
    again = run(driver.run_pass(wanted))
    assert again.actions == ()
    assert not again.waits
    assert not again.blocks
    assert len(driver.world.engine.made) == calls


@SLOW
@given(histories())
def test_what_settles_is_what_was_asked_for(history: tuple[Event, ...]) -> None:
    driver = Driver()
    wanted = run(live_through(driver, history))
    seen = run(driver.look(wanted))
    live = [i for i in seen.instances if i.role is Role.LIVE]
    assert Counter(i.service_name for i in live) == Counter(
        {s.name: s.replicas for s in wanted.services.values() if s.replicas}
    )
    for instance in live:
        service = wanted.services[instance.service_name]
        assert instance.generation.fingerprint == service.form.fingerprint
        assert instance.input == service.image.input
        assert serves(instance)
    kept = Counter(i.service_name for i in seen.instances if i.role is Role.KEPT)
    assert all(count == 1 for count in kept.values())


@SLOW
@given(histories(), st.integers(0, 9))
def test_the_plan_does_not_depend_on_list_order(history: tuple[Event, ...], seed: int) -> None:
    driver = Driver()
    wanted = run(live_through(driver, history))
    for observed in driver.seen[-8:]:
        one, other = plan(wanted, observed, observed.at), plan(wanted, shuffled(observed, seed), observed.at)
        assert Counter(map(repr, one.actions)) == Counter(map(repr, other.actions))
        assert set(one.waits) == set(other.waits)
        assert set(one.blocks) == set(other.blocks)


def touched(action: Action) -> str | None:
    if isinstance(action, RemoveInstance | RetireInstance | ReviveInstance | MendInstance):
        return action.handle.id
    return None


@SLOW
@given(histories())
def test_no_handle_appears_twice_in_a_plan(history: tuple[Event, ...]) -> None:
    driver = Driver()
    wanted = run(live_through(driver, history))
    for observed in driver.seen:
        decided = plan(wanted, observed, observed.at)
        counts = Counter(h for a in decided.actions if (h := touched(a)) is not None)
        assert all(count == 1 for count in counts.values())
        subjects = Counter(a.subject for a in decided.actions)
        assert all(count == 1 for count in subjects.values())


@SLOW
@given(services(), services(), behaviours())
def test_the_floor_holds_while_a_rollout_goes_on(
    before: tuple[Sketch, ...], after: tuple[Sketch, ...], behaviour: Behaviour
) -> None:
    """Healthy serving instances never drop below the floor, whatever the new version does."""
    driver = Driver()
    driver.world.publish("redis:7")
    run(hold_the_floor(driver, before, after, behaviour))


async def hold_the_floor(
    driver: Driver, before: tuple[Sketch, ...], after: tuple[Sketch, ...], behaviour: Behaviour
) -> None:
    old = replace_policy(desired(*before, at=1))
    new = replace_policy(desired(*after, at=2))
    driver.stock.add(*before)
    await driver.settle(old)
    driver.stock.add(*after)
    for sketch in after:
        if sketch.is_built and sketch not in before:
            driver.world.behave(sketch, behaviour)
    for _ in range(400):
        floors = {n: floor_of(new, old, n) for n in new.services if n in old.services}
        decided = await driver.run_pass(new)
        seen = await driver.look(new)
        for name, floor in floors.items():
            serving = [i for i in seen.instances if i.service_name == name and is_serving(i)]
            assert len(serving) >= floor, (name, decided)
        if decided.settled:
            return
        if not decided.actions:
            driver._wait(decided)
    raise AssertionError(f"not settled: {decided}")


def floor_of(new: Desired, old: Desired, name: str) -> int:
    service, before = new.services[name], old.services[name]
    if service.form.spec.restart == "no":
        return 0
    return max(0, min(service.replicas, before.replicas) - service.max_unavailable)


def is_serving(instance: Instance) -> bool:
    return instance.role is Role.LIVE and serves(instance)


@SLOW
@given(histories(), st.sampled_from(("instances", "networks", "volumes", "markers", "artifact:x")))
def test_no_deletion_while_anything_needed_is_unreadable(history: tuple[Event, ...], what: str) -> None:
    driver = Driver()
    run(live_through(driver, history))
    emptied = replace_policy(desired(at=60))
    for observed in driver.seen[-4:]:
        blind = replace(observed, unreadable=(Unreadable(what, "test", observed.at),))
        if what == "instances":
            blind = replace(blind, instances=())
        decided = plan(emptied, blind, blind.at)
        assert decided.actions == ()


@SLOW
@given(histories())
def test_a_service_that_nothing_touched_gets_no_action(history: tuple[Event, ...]) -> None:
    driver = Driver()
    run(live_beside(driver, history))
    assert [a for a in driver.started if a.subject.name == "calm"] == []


async def live_beside(driver: Driver, history: tuple[Event, ...]) -> None:
    """The history, then a service called calm, then other commits; ``started`` holds what those began."""
    wanted = await live_through(driver, history)
    calm = Sketch("calm", image="redis:7")
    settled = replace(wanted, services={**wanted.services, **desired(calm).services})
    settled = replace(settled, networks={**settled.networks, **desired(calm).networks})
    await driver.settle(settled)
    driver.started.clear()
    await live_on(driver, settled)


async def live_on(driver: Driver, wanted: Desired) -> None:
    calm = wanted.services["calm"]
    for number, level in enumerate(("info", "debug"), start=40):
        edited = desired(Sketch("web", image="redis:7", environment=(("LEVEL", level),)), at=number)
        both = replace_policy(
            replace(
                edited,
                services={**edited.services, "calm": calm},
                networks={**wanted.networks, **edited.networks},
            )
        )
        await driver.settle(both)


@SLOW
@given(services())
def test_a_forecast_ends_settled_and_promises_what_then_happens(sketches: tuple[Sketch, ...]) -> None:
    driver = Driver()
    driver.world.publish("redis:7")
    driver.stock.add(*sketches)
    wanted = replace_policy(desired(*sketches))
    observed = run(driver.look(wanted))
    promised = Counter(type(a).__name__ for p in forecast(wanted, observed, observed.at) for a in p.actions)
    run(driver.settle(wanted))
    assert Counter(type(a).__name__ for a in driver.started) == promised

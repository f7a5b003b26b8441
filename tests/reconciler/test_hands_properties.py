"""What holds in every world while hands are off, or drift is only told."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from driver import Driver
from random_worlds import Edit, Event, Meddling, histories, meddle, services
from reconciler.desired import Desired
from reconciler.observed import Marker
from reconciler.ownership import Role
from reconciler.policy import Policy
from sketches import OWNER, SOURCE, Sketch, desired

LOOP = asyncio.new_event_loop()
SLOW = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


async def live(driver: Driver, history: tuple[Event, ...], policy: Policy) -> Desired:
    """Every event, with the passes that follow it; the last desired state."""
    driver.world.publish("redis:7")
    wanted, number = desired(policy=policy), 0
    for event in history:
        if isinstance(event, Edit):
            number += 1
            driver.stock.add(*event.sketches)
            wanted = desired(*event.sketches, at=number, policy=policy)
        elif isinstance(event, Meddling):
            meddle(driver.world.engine, event)
        else:
            driver.world.engine.advance(event.seconds)
        await driver.settle(wanted)
    driver.world.engine.advance(10.0)
    await driver.settle(wanted)
    return wanted


def containers(driver: Driver, service_name: str) -> set[tuple[str, str, str]]:
    found = driver.world.engine.ground.containers.values()
    names = f"shop_dev_{service_name}_"
    return {(c.id, c.name, c.phase.value) for c in found if c.name.startswith(names)}


@SLOW
@given(histories(longest=4), services(), st.integers(0, 9), st.booleans())
def test_nothing_of_a_suspended_service_is_touched(
    history: tuple[Event, ...], newer: tuple[Sketch, ...], pick: int, whole: bool
) -> None:
    async def work() -> None:
        driver, policy = Driver(), Policy(source=SOURCE, prune_limit=100)
        wanted = await live(driver, history, policy)
        names = sorted(wanted.services) or ["none"]
        name = names[pick % len(names)]
        value = json.dumps({"active": True, "until": None, "reason": "hands off"})
        driver.world.engine.hand.write_marker(OWNER, Marker("suspend", "" if whole else name, 1, value))
        driver.stock.add(*newer)
        for container in list(driver.world.engine.ground.containers.values())[:2]:
            driver.world.engine.hand.stop(container.name)
        before = {other: containers(driver, other) for other in names}
        decided = await driver.settle(desired(*newer, at=20, policy=policy))
        assert decided.settled
        for other in names if whole else [name]:
            assert containers(driver, other) == before[other]
        if not whole:
            return
        assert not {a.subject.kind for a in decided.actions}

    LOOP.run_until_complete(work())


@SLOW
@given(histories(longest=5), services())
def test_where_drift_is_only_told_nothing_is_healed_and_every_commit_arrives(
    history: tuple[Event, ...], newer: tuple[Sketch, ...]
) -> None:
    async def work() -> None:
        driver, policy = Driver(), Policy(source=SOURCE, prune_limit=100, heal=False)
        await live(driver, history, policy)
        # Another environment in every service: what was meddled with before is replaced by this commit.
        fresh = tuple(replace(s, environment=(*s.environment, ("FRESH", "1"))) for s in newer)
        driver.stock.add(*fresh)
        wanted = desired(*fresh, at=30, policy=policy)
        assert (await driver.settle(wanted)).settled
        assert not [a for a in driver.started if a.cause.type == "drift"]
        seen = await driver.look(wanted)
        running = [i for i in seen.instances if i.role is Role.LIVE]
        for name, service in wanted.services.items():
            own = [i for i in running if i.service_name == name]
            assert len(own) == service.replicas
            assert {i.generation.fingerprint for i in own} <= {service.form.fingerprint}

    LOOP.run_until_complete(work())

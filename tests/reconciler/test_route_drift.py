"""What somebody changes on the way of requests: told as drift, healed, or left where that is asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from driver import Driver
from providers.memory import Behaviour
from providers.memory.container import Container
from reconciler.assess import assess_drift
from reconciler.desired import Desired
from reconciler.drift import ServiceDrift
from reconciler.ownership import SERVICE, Role, volume_name
from sketches import OWNER, Sketch, desired
from specs.proxy import EDGE, OWN

WEB = Sketch("web", route=(("host", "web.test"),), check=False)
VOLUME = volume_name(OWNER, OWN)
STRANGER = "deadbeef0000"


async def settled(wanted: Desired) -> Driver:
    driver = Driver()
    await driver.settle(wanted)
    driver.restart()
    return driver


async def drift(driver: Driver, wanted: Desired) -> dict[str, ServiceDrift]:
    seen = await driver.look(wanted)
    return {it.service_name: it for it in assess_drift(wanted, seen, seen.at)}


def edge(driver: Driver) -> Container:
    there = driver.world.engine.ground.containers.values()
    return next(it for it in there if it.labels.get(SERVICE) == EDGE)


def paths(found: ServiceDrift) -> tuple[str, list[str], tuple[str, ...]]:
    return found.result, [diff.path for diff in found.diffs], found.heal


async def test_a_table_that_leads_to_a_stranger_is_told_and_healed() -> None:
    wanted = desired(WEB)
    driver = await settled(wanted)
    assert {it.result for it in (await drift(driver, wanted)).values()} == {"clean"}
    tables = driver.world.proxies.shared(VOLUME).tables
    good = tables["web"]
    driver.world.proxies.tamper(VOLUME, "web", (STRANGER, *good[1:]))
    found = await drift(driver, wanted)
    assert paths(found["web"]) == ("drifted", ["route.table"], ("switch-route",))
    assert found[EDGE].result == "clean"
    await driver.settle(wanted)
    assert tables["web"] == good


async def test_a_table_that_is_gone_is_told_and_made_again() -> None:
    wanted = desired(WEB)
    driver = await settled(wanted)
    good = driver.world.proxies.shared(VOLUME).tables.pop("web")
    assert paths((await drift(driver, wanted))["web"])[:2] == ("drifted", ["route.table"])
    await driver.settle(wanted)
    assert driver.world.proxies.shared(VOLUME).tables["web"] == good


async def test_an_empty_table_is_filled_by_a_process_that_has_just_begun() -> None:
    wanted = desired(WEB)
    driver = await settled(wanted)
    good = driver.world.proxies.shared(VOLUME).tables["web"]
    driver.world.proxies.tamper(VOLUME, "web", ())
    await driver.settle(wanted)
    assert driver.world.proxies.shared(VOLUME).tables["web"] == good


async def test_what_a_proxy_was_given_by_somebody_else_is_told_and_healed() -> None:
    wanted = desired(WEB)
    driver = await settled(wanted)
    driver.world.proxies.change(edge(driver), VOLUME, EDGE, "apps.http.servers")
    found = await drift(driver, wanted)
    assert paths(found[EDGE]) == ("drifted", ["proxy.config.apps.http.servers"], ("load-proxy",))
    await driver.settle(wanted)
    assert {it.result for it in (await drift(driver, wanted)).values()} == {"clean"}


async def test_an_environment_that_reports_drift_leaves_it() -> None:
    wanted = desired(WEB)
    wanted = replace(wanted, policy=replace(wanted.policy, heal=False))
    driver = await settled(wanted)
    tables = driver.world.proxies.shared(VOLUME).tables
    driver.world.proxies.tamper(VOLUME, "web", (STRANGER, *tables["web"][1:]))
    driver.world.proxies.change(edge(driver), VOLUME, EDGE)
    decided = await driver.settle(wanted)
    assert not decided.actions
    assert STRANGER in tables["web"]
    assert (await drift(driver, wanted))["web"].result == "drifted"


async def test_a_proxy_that_cannot_be_asked_cannot_be_told() -> None:
    wanted = desired(WEB)
    driver = await settled(wanted)
    driver.world.proxies.deaf.add(edge(driver).id)
    assert paths((await drift(driver, wanted))[EDGE])[:2] == ("cannot_tell", ["proxy.config"])


@pytest.mark.parametrize("wait", [1.0, 1000.0])
async def test_what_never_answered_is_not_proved_by_its_age(wait: float) -> None:
    wanted, bad = desired(WEB), replace(WEB, image="ours:2", deadline=20.0)
    driver = await settled(wanted)
    driver.world.behave(bad, Behaviour(answers_after=1e6, no_healthcheck=True))
    follows = desired(bad, at=2)
    while len([i for i in (await driver.look(follows)).instances if i.service_name == "web"]) < 2:
        await driver.run_pass(follows)
    driver.restart()  # nobody watches
    driver.world.engine.advance(wait)
    decided = await driver.settle(follows)
    assert [block.held for block in decided.blocks] == [True]
    seen = await driver.look(follows)
    assert [i.role for i in seen.instances if i.service_name == "web"] == [Role.LIVE, Role.HELD]
    assert "was not ready within" in decided.blocks[0].reason

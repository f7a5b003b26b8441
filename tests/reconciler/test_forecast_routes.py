"""The preview of updates with a route: it ends settled, and its steps are in the order in which they come."""

from __future__ import annotations

from dataclasses import replace

import pytest

from driver import Driver
from reconciler.actions import Action, SwitchRoute
from reconciler.forecast import forecast, settled
from reconciler.observed import Observed
from reconciler.ownership import SERVICE, Role
from reconciler.plan import plan
from reconciler.render_action import verb_of
from sketches import Sketch, desired
from specs.proxy import PROXIES

WEB = Sketch("web", route=(("host", "web.test"),), check=False, replicas=2)
STEPS = ({"weight": 10, "pause": 3600.0}, {"weight": 60, "pause": 60.0})
STRATEGIES: dict[str, tuple[tuple[str, object], ...]] = {
    "rolling": (),
    "blue-green": (("strategy", "blue-green"),),
    "canary": (("strategy", "canary"), ("steps", STEPS)),
}
EXPECTED = {
    "rolling": "create switch retire create switch retire proved remove",
    "blue-green": "create create switch proved retire retire remove",
    "canary": "create switch step step create switch switch step switch retire retire proved remove",
}


def word(action: Action) -> str:
    if isinstance(action, SwitchRoute):
        return "switch"
    verb = verb_of(action)
    if verb == "put-marker":
        return {"release": "proved"}.get(action.subject.instance or "", "step")
    return verb


async def look(driver: Driver, *sketches: Sketch, at: int) -> Observed:
    driver.world.build(*sketches)
    return await driver.look(desired(*sketches, at=at))


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_an_update_is_foretold_to_its_end(strategy: str) -> None:
    driver, after = Driver(), replace(WEB, image="ours:2", rollout=STRATEGIES[strategy])
    await driver.settle(desired(replace(WEB, rollout=STRATEGIES[strategy])))
    seen, wanted = await look(driver, after, at=2), desired(after, at=2)
    plans = forecast(wanted, seen, seen.at)
    said = [word(action) for decided in plans for action in decided.actions if action.subject.name == "web"]
    words = [w for w in said if w not in ("build-image", "pull-image")]
    assert " ".join(words) == EXPECTED[strategy]
    end = settled(wanted, seen, seen.at)
    assert plan(wanted, end, end.at).settled
    live = [i for i in end.instances if i.service_name == "web" and i.role is Role.LIVE]
    assert len(live) == len({i.handle.id[:12] for i in live}) == 2
    assert {i.handle.id[:12] for i in live} == set(end.traffic.slots_of("web"))


async def test_the_first_deploy_is_foretold_to_its_end() -> None:
    driver = Driver()
    seen, wanted = await look(driver, WEB, at=1), desired(WEB)
    end = settled(wanted, seen, seen.at)
    assert plan(wanted, end, end.at).settled
    live = [i for i in end.instances if i.service_name == "web"]
    assert len(live) == len({i.handle.id[:12] for i in live}) == 2
    assert {i.handle.id[:12] for i in live} == set(end.traffic.slots_of("web"))


async def test_proxies_that_lie_still_are_foretold_to_run_again() -> None:
    driver = Driver()
    await driver.settle(desired(WEB))
    for name in PROXIES:
        for container in [*driver.world.engine.ground.containers.values()]:
            if container.labels.get(SERVICE) == name:
                driver.world.engine.hand.set_restart(container.name, "no")
                driver.world.engine.hand.stop(container.name)
    seen, wanted = await look(driver, WEB, at=1), desired(WEB)
    end = settled(wanted, seen, seen.at)
    assert plan(wanted, end, end.at).settled

"""What an engine tells of the past: whose container, what was done, and no word that could be a secret."""

from __future__ import annotations

import pytest

from docker_forms import form_of, network_of
from place import Place
from reconciler.ownership import Owner

pytestmark = pytest.mark.engine
ALIVE = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"]


async def test_what_a_hand_does_is_told_with_its_facts(place: Place) -> None:
    network = network_of(place.owner, "default")
    await place.runtime.create_network(place.owner, network)
    blueprint = await place.blueprint(form_of({"command": ALIVE, "restart": "no"}, place.owner))
    await place.runtime.create_instance(blueprint, {})
    begun = await place.look()
    instance = await place.only()
    cli, name = place.engine.cli, blueprint.name
    cli("update", "--memory", "64m", "--memory-swap", "64m", name)
    cli("network", "disconnect", network.object_name, name)
    cli("exec", name, "sh", "-c", "echo --password=canary-7f3a >/dev/null")
    cli("kill", "--signal", "KILL", name)
    cli("rename", name, f"{place.owner.project}-mine")
    cli("rm", f"{place.owner.project}-mine")
    ended = (await place.look()).at
    deeds = [
        d
        for d in await place.runtime.deeds(place.owner, begun.at, ended)
        if d.container == instance.handle.id
    ]
    told = [(deed.action, dict(deed.facts)) for deed in deeds]
    told = [it for it in told if it[0] != "container start"]  # of the second of that look
    assert told == [
        ("container update", {}),
        ("network disconnect", {"network": network.object_name}),
        ("container exec", {"program": "sh"}),
        ("container kill", {"signal": "9"}),
        ("container die", {"exit code": "137"}),
        ("container rename", {"name before": name}),
        ("container destroy", {}),
    ]
    assert {d.service_name for d in deeds if d.action.startswith("container")} == {blueprint.service_name}
    assert "canary" not in repr(deeds)
    assert begun.at <= deeds[0].at <= deeds[-1].at <= ended
    others = await place.runtime.deeds(Owner("other", "dev"), begun.at, ended)
    assert [d for d in others if d.container == instance.handle.id and d.action.startswith("container")] == []
    assert await place.runtime.deeds(place.owner, begun.at - 2000, begun.at - 1000) == ()

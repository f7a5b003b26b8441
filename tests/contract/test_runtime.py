"""Instances, the same on every runtime: created, retired, revived, mended, removed."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from reconciler.changes import Connect, Disconnect, Rename, SetLimits, SetRestart, Start, Unpause
from reconciler.observed import Phase
from reconciler.ownership import OWNER, Owner, Role
from reconciler.provider import ProviderError, Refused, Stale
from runtime_subject import BROKEN, WEB, RuntimeSubject

MEMORY = "deploy.resources.limits.memory"


async def test_an_instance_shows_what_it_was_made_from(subject: RuntimeSubject) -> None:
    blueprint = await subject.draw(replace(WEB, networks=("default", "back"), volumes=("data",)))
    await subject.runtime.create_instance(blueprint, {})
    seen = await subject.only()
    assert (seen.name, seen.service_name, seen.role, seen.number) == (blueprint.name, "web", Role.LIVE, 1)
    assert (seen.generation, seen.input) == (blueprint.generation, blueprint.input)
    assert (seen.commit, seen.pin, seen.source) == (blueprint.commit, blueprint.pin, blueprint.source)
    assert (seen.applied, seen.image) == (blueprint.form.canonical, str(subject.image))
    assert set(seen.networks) == {use.object_name for use in blueprint.form.networks}
    assert set(seen.volumes) == {use.object_name for use in blueprint.form.mounts}
    assert (seen.phase, seen.exits, seen.exit_code, seen.error) == (Phase.RUNNING, 0, None, "")
    assert seen.restart == "unless-stopped"
    assert seen.started_at is not None
    assert seen.created_at <= seen.started_at


async def test_live_fields_are_what_was_applied(subject: RuntimeSubject) -> None:
    seen = await subject.create(replace(WEB, memory=1 << 26, volumes=("data",), environment=(("A", "b"),)))
    visible = {p: v for p, v in seen.applied_fields.items() if p in seen.live_fields}
    assert {p: seen.live_fields[p] for p in visible} == visible
    assert visible[MEMORY] == 1 << 26


async def test_creating_what_runs_already_is_success(subject: RuntimeSubject) -> None:
    blueprint = await subject.draw(WEB)
    await subject.runtime.create_instance(blueprint, {})
    before = await subject.only()
    await subject.runtime.create_instance(blueprint, {})
    assert (await subject.only()).handle == before.handle


async def test_a_name_held_by_ours_that_does_not_run_is_stale(subject: RuntimeSubject) -> None:
    blueprint = await subject.draw(WEB)
    await subject.runtime.create_instance(blueprint, {})
    subject.stop(blueprint.name)
    with pytest.raises(Stale):
        await subject.runtime.create_instance(blueprint, {})
    assert (await subject.only()).phase is Phase.EXITED


async def test_of_racing_creates_one_makes_the_instance(subject: RuntimeSubject) -> None:
    blueprint = await subject.draw(WEB)
    racers = [subject.runtime.create_instance(blueprint, {}) for _ in range(5)]
    results = await asyncio.gather(*racers, return_exceptions=True)
    assert None in results
    assert all(r is None or isinstance(r, Stale) for r in results)
    assert (await subject.only()).phase is Phase.RUNNING


async def test_a_stranger_under_the_name_is_reported_and_left_alone(subject: RuntimeSubject) -> None:
    blueprint = await subject.draw(WEB)
    other = str(Owner(subject.owner.project, "prod"))
    subject.add_container(blueprint.name, {OWNER: other})
    with pytest.raises(Refused):
        await subject.runtime.create_instance(blueprint, {})
    world = await subject.look(blueprint.name)
    assert world.instances == ()
    (namesake,) = world.namesakes
    assert (namesake.kind, namesake.object_name, namesake.owner) == ("container", blueprint.name, other)
    for deed in (
        subject.runtime.remove_instance(subject.owner, namesake.handle, 0.0),
        subject.runtime.retire_instance(subject.owner, namesake.handle, "x", 0.0),
        subject.runtime.mend_instance(subject.owner, namesake.handle, [SetRestart("no")]),
    ):
        with pytest.raises(Stale):
            await deed
    assert (await subject.look(blueprint.name)).namesakes == (namesake,)


async def test_retired_it_is_kept_and_comes_back(subject: RuntimeSubject) -> None:
    live = await subject.create()
    kept_name = f"{live.name}_kept"
    for _ in range(2):
        await subject.runtime.retire_instance(subject.owner, live.handle, kept_name, 5.0)
    kept = await subject.only()
    assert (kept.name, kept.role, kept.number) == (kept_name, Role.KEPT, 1)
    assert (kept.phase, kept.restart, kept.handle) == (Phase.EXITED, "no", live.handle)
    assert kept.finished_at is not None
    for _ in range(2):
        await subject.runtime.revive_instance(subject.owner, live.handle, live.name, live.restart)
    back = await subject.only()
    assert (back.name, back.role, back.phase) == (live.name, Role.LIVE, Phase.RUNNING)
    assert (back.restart, back.exits) == (live.restart, 0)


async def test_removed_it_is_gone_and_stays_gone(subject: RuntimeSubject) -> None:
    live = await subject.create()
    for _ in range(2):
        await subject.runtime.remove_instance(subject.owner, live.handle, 1.0)
    assert (await subject.look()).instances == ()
    with pytest.raises(Stale):
        await subject.runtime.retire_instance(subject.owner, live.handle, "x", 1.0)
    with pytest.raises(Stale):
        await subject.runtime.revive_instance(subject.owner, live.handle, live.name, "no")


async def test_a_command_that_cannot_be_run_is_refused_and_leaves_its_error(subject: RuntimeSubject) -> None:
    subject.expect_broken()
    with pytest.raises(Refused):
        await subject.create(replace(WEB, command=BROKEN))
    seen = await subject.only()
    assert (seen.phase, seen.exit_code, seen.started_at) == (Phase.CREATED, 127, None)
    assert seen.error


async def test_a_port_that_is_taken_fails_the_start_for_now(subject: RuntimeSubject, free_port: int) -> None:
    subject.add_container(f"{subject.owner.project}-stranger", {}, free_port)
    assert free_port in (await subject.look()).ports
    with pytest.raises(ProviderError) as raised:
        await subject.create(replace(WEB, ports=(free_port,)))
    assert not isinstance(raised.value, Refused)
    seen = await subject.only()
    assert (seen.phase, seen.exit_code) == (Phase.CREATED, 128)
    assert str(free_port) in seen.error


async def test_changes_behind_our_back_are_seen_and_mended(subject: RuntimeSubject) -> None:
    live = await subject.create(replace(WEB, memory=1 << 26, networks=("default", "back")))
    network = live.networks[-1]
    subject.limit_memory(live.name, 1 << 25)
    subject.disconnect(live.name, network)
    subject.pause(live.name)
    new_name = f"{subject.owner.project}-renamed"
    subject.rename(live.name, new_name)
    seen = await subject.only()
    assert (seen.phase, seen.name, seen.number) == (Phase.PAUSED, new_name, None)
    assert seen.live_fields[MEMORY] == 1 << 25
    assert network not in seen.networks
    attach = next(n.handle.id for n in (await subject.look()).networks if n.object_name == network)
    changes = (
        Rename(live.name),
        SetLimits(None, 1 << 27, None, None),
        Connect(attach, ("web",)),
        SetRestart("on-failure:3"),
        Unpause(),
    )
    for _ in range(2):
        await subject.runtime.mend_instance(subject.owner, live.handle, changes)
    seen = await subject.only()
    assert (seen.phase, seen.name, seen.restart) == (Phase.RUNNING, live.name, "on-failure:3")
    assert seen.live_fields[MEMORY] == 1 << 27
    assert set(seen.networks) == set(live.networks)
    assert seen.started_at == live.started_at  # no new process


async def test_a_stopped_instance_is_started_and_a_network_left(subject: RuntimeSubject) -> None:
    live = await subject.create(replace(WEB, networks=("default", "back")))
    subject.stop(live.name)
    assert (await subject.only()).phase is Phase.EXITED
    changes = (Disconnect(live.networks[0]), Start())
    for _ in range(2):
        await subject.runtime.mend_instance(subject.owner, live.handle, changes)
    seen = await subject.only()
    assert (seen.phase, seen.networks) == (Phase.RUNNING, live.networks[1:])


async def test_a_kept_instance_survives_its_network(subject: RuntimeSubject) -> None:
    live = await subject.create()
    await subject.runtime.retire_instance(subject.owner, live.handle, f"{live.name}_kept", 5.0)
    network = live.networks[0]
    subject.remove_network(network)
    kept = await subject.only()
    assert (kept.networks, kept.missing_networks) == ((), (network,))
    await subject.supply(WEB)
    await subject.runtime.revive_instance(subject.owner, live.handle, live.name, live.restart)
    back = await subject.only()
    assert (back.phase, back.networks, back.missing_networks) == (Phase.RUNNING, (network,), ())


async def test_an_instance_outlives_the_network_that_it_was_born_in(subject: RuntimeSubject) -> None:
    live = await subject.create()
    (born_in,) = (await subject.look()).networks
    await subject.supply(replace(WEB, networks=("default", "other")))
    (other,) = (n for n in (await subject.look()).networks if n.name == "other")
    changes = (Connect(other.handle.id, ("web",)), Disconnect(born_in.object_name))
    await subject.runtime.mend_instance(subject.owner, live.handle, changes)
    await subject.runtime.remove_network(subject.owner, born_in.handle)
    subject.stop(live.name)
    await subject.runtime.mend_instance(subject.owner, live.handle, (Start(),))
    seen = await subject.only()
    assert (seen.phase, seen.networks, seen.missing_networks) == (Phase.RUNNING, (other.object_name,), ())

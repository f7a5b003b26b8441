"""What only a real engine can say: doubled names, spoofed labels, pulls, the local registry."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from docker_forms import form_of, network_of, volume_of
from engine_socket import request
from place import Place
from providers.docker import DockerRuntime
from providers.docker.registry import answers
from reconciler.changes import SetLimits
from reconciler.desired import LocalRegistry
from reconciler.observed import Marker, Phase
from reconciler.ownership import OWNER, SERVICE
from reconciler.provider import Login, ProviderError, Question, Refused, Stale
from specs.reference import ImageRef

pytestmark = pytest.mark.engine
SLEEP = {"command": ["sleep", "300"]}


async def created(place: Place, number: int = 1, **written: object) -> str:
    await place.runtime.create_network(place.owner, network_of(place.owner, "default"))
    blueprint = await place.blueprint(form_of({**SLEEP, **written}, place.owner), number)
    await place.runtime.create_instance(blueprint, {})
    return blueprint.name


async def test_of_doubled_networks_the_oldest_stays(place: Place) -> None:
    network = network_of(place.owner, "default")
    await place.runtime.create_network(place.owner, network)
    (oldest,) = (await place.look()).networks
    labels = {OWNER: str(place.owner), "reconciler.name": "default"}
    body = json.dumps({"Name": network.object_name, "Labels": labels, "CheckDuplicate": False}).encode()
    kind = {"Content-Type": "application/json"}
    status, _ = request(place.engine.socket, "POST", "/networks/create", body, kind)
    assert status in (201, 409)  # newer engines make no doubles
    await place.runtime.create_network(place.owner, network)
    assert [n.handle for n in (await place.look()).networks] == [oldest.handle]


async def test_an_image_cannot_claim_a_container(place: Place) -> None:
    name = f"{place.owner.project}-base"
    place.engine.cli("create", "--name", name, str(place.image), "sleep", "300")
    spoofed = f"{place.owner.project}/spoofed:1"
    changes = [f"--change=LABEL {label}" for label in (f"{OWNER}={place.owner}", f"{SERVICE}=web")]
    place.engine.cli("commit", *changes, name, spoofed)
    try:
        place.engine.cli("run", "-d", "--name", f"{name}2", spoofed, "sleep", "300")
        world = await place.look(f"{name}2")
        assert world.instances == ()
        (namesake,) = world.namesakes
        with pytest.raises(Stale):
            await place.runtime.remove_instance(place.owner, namesake.handle, 0.0)
        assert (await place.runtime.images([spoofed]))[spoofed].reserved_labels
    finally:
        place.clean()
        place.engine.cli("rmi", spoofed)


async def test_a_pulled_image_has_no_tag_and_a_refused_one_says_why(place: Place) -> None:
    def tags() -> str:
        return place.engine.cli("image", "inspect", "-f", "{{.RepoTags}}", str(place.image))

    before = tags()
    await place.runtime.pull(place.image, None)
    assert tags() == before
    assert str(place.image) in await place.runtime.images([str(place.image)])
    absent = ImageRef.parse(f"{place.image.host}/nothing@{place.image.digest}")
    with pytest.raises(ProviderError) as raised:
        await place.runtime.pull(absent, Login("me", "pa55word"))
    assert raised.value.code in ("DKR022", "DKR023")
    assert "nothing" in str(raised.value)
    assert "pa55word" not in repr(raised.value)


async def test_limits_can_be_raised_and_lowered_in_place(place: Place) -> None:
    name = await created(place, deploy={"resources": {"limits": {"memory": "32M"}}})
    instance = await place.only()
    for size in (512 << 20, 16 << 20):
        await place.runtime.mend_instance(place.owner, instance.handle, [SetLimits(None, size, None, None)])
        seen = await place.only()
        assert (seen.name, seen.live_fields["deploy.resources.limits.memory"]) == (name, size)


async def test_ownership_is_read_again_at_the_moment_of_removal(place: Place) -> None:
    other = Place(place.engine, place.runtime, type(place.owner)(place.owner.project, "other"), place.image)
    await created(other)
    instance = await other.only()
    with pytest.raises(Stale):
        await place.runtime.remove_instance(place.owner, instance.handle, 0.0)
    assert (await other.only()).phase is Phase.RUNNING
    (network,) = (await other.look()).networks
    with pytest.raises(Stale):
        await place.runtime.remove_network(place.owner, network.handle)
    await place.runtime.put_marker(other.owner, Marker("lease", "", 1, "x"))
    (marker,) = (await other.look()).markers
    with pytest.raises(Stale):
        await place.runtime.remove_marker(place.owner, marker.object_name)


async def test_a_volume_in_use_stays_until_nothing_mounts_it(place: Place) -> None:
    volume = volume_of(place.owner, "data")
    await place.runtime.create_volume(place.owner, volume)
    await created(place, volumes={"/data": {"source": "data"}})
    with pytest.raises(Refused):
        await place.runtime.remove_volume(place.owner, volume.object_name)


async def test_a_marker_with_any_subject_and_a_long_value(place: Place) -> None:
    wanted = {("retry", "shop_prod_web_1_held", "x" * 60_000), ("note", "weird / subject=é", "")}
    for kind, subject, value in wanted:
        assert await place.runtime.put_marker(place.owner, Marker(kind, subject, 3, value))
    assert {(m.kind, m.subject, m.value) for m in (await place.look()).markers} == wanted


async def test_many_looks_at_once_see_the_same(place: Place) -> None:
    await created(place)
    worlds = await asyncio.gather(*(place.look() for _ in range(20)))
    assert all(world.instances == worlds[0].instances for world in worlds)
    assert all(world.unreadable == () for world in worlds)


async def test_nothing_stays_open(place: Place) -> None:
    async def work() -> int:
        runtime = DockerRuntime(place.engine.docker_host)
        absent = ImageRef.parse(f"{place.image.host}/nothing@{place.image.digest}")
        for number in range(5):
            await asyncio.gather(*(runtime.observe(Question(place.owner)) for _ in range(5)))
            await runtime.put_marker(place.owner, Marker("loop", "", number, "x"))
            with pytest.raises(ProviderError):
                await runtime.pull(absent, None)
        await runtime.close()
        await asyncio.sleep(0.05)
        return len(list(Path("/proc/self/fd").iterdir()))

    assert await work() == await work()


async def test_the_local_registry_answers_on_loopback_alone(place: Place, free_port: int) -> None:
    local = LocalRegistry("local", place.owner.project, ImageRef.parse("registry:2"), free_port)
    runtime: DockerRuntime = place.runtime
    name = f"{place.owner.project}_registry"
    question = Question(place.owner, registries=(local,))
    assert (await runtime.observe(question)).registry_running == frozenset()
    for _ in range(2):
        await runtime.start_registry(local)
    assert (await runtime.observe(question)).registry_running == {"local"}
    shown = json.loads(place.engine.cli("inspect", name))[0]
    assert shown["HostConfig"]["PortBindings"] == {
        "5000/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(free_port)}]
    }
    assert list(shown["NetworkSettings"]["Networks"]) == [name]
    assert [mount["Name"] for mount in shown["Mounts"]] == [name]
    place.engine.cli("kill", name)
    assert not await answers(free_port)
    await runtime.start_registry(local)
    assert await answers(free_port)
    assert (await place.look()).instances == ()


async def test_a_strangers_registry_is_left_alone(place: Place, free_port: int) -> None:
    name = f"{place.owner.project}_registry"
    place.engine.cli("create", "--name", name, str(place.image))
    local = LocalRegistry("local", place.owner.project, ImageRef.parse("registry:2"), free_port)
    with pytest.raises(Refused):
        await place.runtime.start_registry(local)
    assert place.engine.cli("ps", "-a", "-q", "--filter", f"name={name}")


async def test_a_strangers_volume_is_never_mounted(place: Place) -> None:
    place.engine.cli("volume", "create", volume_of(place.owner, "data").object_name)
    with pytest.raises(Refused) as raised:
        await created(place, volumes={"/data": {"source": "data"}})
    assert raised.value.code == "DKR012"
    assert (await place.look()).instances == ()


async def test_no_instance_is_started_on_the_engines_own_bridge(place: Place) -> None:
    name = await created(place)
    live = await place.only()
    await place.runtime.retire_instance(place.owner, live.handle, f"{name}_kept", 0.0)
    place.engine.cli("network", "rm", live.networks[0])
    with pytest.raises(Stale):
        await place.runtime.revive_instance(place.owner, live.handle, name, "no")
    kept = await place.only()
    assert (kept.name, kept.phase) == (f"{name}_kept", Phase.EXITED)
    assert (kept.networks, kept.missing_networks) == ((), live.networks)

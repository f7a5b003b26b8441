"""Networks, volumes, files, markers and reading, the same on every runtime."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from reconciler.observed import Marker
from reconciler.ownership import OWNER, ROLE, Owner
from reconciler.provider import ProviderError, Question, Refused, Stale
from runtime_subject import WEB, RuntimeSubject
from sketches import desired, entries_of

CONFIGURED = replace(WEB, configs=(("settings", "level: info\n"),), secrets=(("password", "s3cret"),))


async def test_a_network_is_made_once(subject: RuntimeSubject) -> None:
    network = desired(WEB, owner=subject.owner).networks["default"]
    for _ in range(2):
        await subject.runtime.create_network(subject.owner, network)
    (seen,) = (await subject.look()).networks
    assert (seen.name, seen.object_name, seen.members) == ("default", network.object_name, ())
    for _ in range(2):
        await subject.runtime.remove_network(subject.owner, seen.handle)
    assert (await subject.look()).networks == ()


async def test_members_of_a_network_are_containers_of_any_state(subject: RuntimeSubject) -> None:
    live = await subject.create()
    (network,) = (await subject.look()).networks
    assert network.members == (live.handle.id,)
    with pytest.raises(ProviderError):
        await subject.runtime.remove_network(subject.owner, network.handle)
    subject.stop(live.name)
    assert (await subject.look()).networks == (network,)


async def test_racing_creates_of_a_network_leave_one(subject: RuntimeSubject) -> None:
    network = desired(WEB, owner=subject.owner).networks["default"]
    await asyncio.gather(*(subject.runtime.create_network(subject.owner, network) for _ in range(8)))
    await subject.runtime.create_network(subject.owner, network)
    assert len((await subject.look()).networks) == 1


async def test_a_strangers_network_is_never_taken(subject: RuntimeSubject) -> None:
    network = desired(WEB, owner=subject.owner).networks["default"]
    other = str(Owner(subject.owner.project, "prod"))
    subject.add_network(network.object_name, {OWNER: other})
    with pytest.raises(Refused):
        await subject.runtime.create_network(subject.owner, network)
    (namesake,) = (await subject.look(network.object_name)).namesakes
    assert (namesake.kind, namesake.owner) == ("network", other)
    with pytest.raises(Stale):
        await subject.runtime.remove_network(subject.owner, namesake.handle)
    assert ("network", network.object_name) in subject.inventory()


async def test_a_data_volume_is_made_once_and_never_removed(subject: RuntimeSubject) -> None:
    volume = desired(replace(WEB, volumes=("data",)), owner=subject.owner).volumes["data"]
    for _ in range(2):
        await subject.runtime.create_volume(subject.owner, volume)
    with pytest.raises(Refused):
        await subject.runtime.remove_volume(subject.owner, volume.object_name)
    (seen,) = (await subject.look()).volumes
    assert (seen.name, seen.object_name, seen.role, seen.finished) == (
        "data",
        volume.object_name,
        "data",
        True,
    )


async def test_a_strangers_volume_is_never_taken(subject: RuntimeSubject) -> None:
    volume = desired(replace(WEB, volumes=("data",)), owner=subject.owner).volumes["data"]
    subject.add_volume(volume.object_name, {ROLE: "files"})
    with pytest.raises(Refused):
        await subject.runtime.create_volume(subject.owner, volume)
    with pytest.raises(Stale):
        await subject.runtime.remove_volume(subject.owner, volume.object_name)
    (namesake,) = (await subject.look(volume.object_name)).namesakes
    assert (namesake.kind, namesake.owner) == ("volume", None)
    assert ("volume", volume.object_name) in subject.inventory()


@pytest.mark.parametrize("read_only", [False, True])
async def test_files_and_secrets_reach_the_container(subject: RuntimeSubject, read_only: bool) -> None:
    live = await subject.create(replace(CONFIGURED, read_only=read_only))

    async def shown() -> bool:
        return "s3cret" in await subject.runtime.logs(live.handle, 10)

    await subject.until(shown)
    assert list(await subject.runtime.logs(live.handle, 10)) == ["level: info", "s3cret"]
    assert list(await subject.runtime.logs(live.handle, 1)) == ["s3cret"]
    assert "s3cret" not in repr(await subject.look())


async def test_secrets_of_a_read_only_container_lie_in_a_volume_of_its_own(subject: RuntimeSubject) -> None:
    live = await subject.create(replace(CONFIGURED, read_only=True))
    (volume,) = [v for v in (await subject.look()).volumes if v.role == "secret"]
    assert volume.finished
    assert volume.object_name in live.volumes
    with pytest.raises(ProviderError):
        await subject.runtime.remove_volume(subject.owner, volume.object_name)
    await subject.runtime.remove_instance(subject.owner, live.handle, 1.0)
    for _ in range(2):
        await subject.runtime.remove_volume(subject.owner, volume.object_name)
    assert {v.role for v in (await subject.look()).volumes} == {"files"}


async def test_what_is_gone_has_no_log(subject: RuntimeSubject) -> None:
    live = await subject.create()
    await subject.runtime.remove_instance(subject.owner, live.handle, 1.0)
    assert list(await subject.runtime.logs(live.handle, 10)) == []


async def test_an_unfinished_volume_shows_and_is_finished(subject: RuntimeSubject) -> None:
    await subject.runtime.pull(subject.image, None)
    wanted = desired(CONFIGURED, owner=subject.owner)
    ((digest, files),) = wanted.files.items()
    subject.unfinish(files.volume)
    (seen,) = (await subject.look()).volumes
    assert (seen.object_name, seen.role, seen.finished) == (files.volume, "files", False)
    assert seen.filler is not None
    for _ in range(2):
        await subject.runtime.publish_files(
            subject.owner, files.volume, entries_of(CONFIGURED)[digest], str(subject.image)
        )
    (seen,) = (await subject.look()).volumes
    assert (seen.finished, seen.filler) == (True, None)
    assert (await subject.look()).instances == ()


async def test_a_volume_of_files_goes_when_nothing_mounts_it(subject: RuntimeSubject) -> None:
    live = await subject.create(CONFIGURED)
    (volume,) = (await subject.look()).volumes
    with pytest.raises(ProviderError):
        await subject.runtime.remove_volume(subject.owner, volume.object_name)
    await subject.runtime.remove_instance(subject.owner, live.handle, 1.0)
    for _ in range(2):
        await subject.runtime.remove_volume(subject.owner, volume.object_name)
    assert (await subject.look()).volumes == ()


async def test_an_unfinished_volume_goes_with_its_filler(subject: RuntimeSubject) -> None:
    await subject.runtime.pull(subject.image, None)
    ((_, files),) = desired(CONFIGURED, owner=subject.owner).files.items()
    subject.unfinish(files.volume)
    await subject.runtime.remove_volume(subject.owner, files.volume)
    assert subject.inventory() == frozenset()


async def test_nothing_is_created_without_its_files(subject: RuntimeSubject) -> None:
    blueprint = await subject.draw(CONFIGURED)
    await subject.runtime.remove_volume(subject.owner, blueprint.form.files[0].volume)
    with pytest.raises(Stale):
        await subject.runtime.create_instance(blueprint, {"password": "s3cret"})
    assert (await subject.look()).instances == ()
    assert (await subject.look()).volumes == ()


async def test_nothing_is_created_without_its_image(subject: RuntimeSubject) -> None:
    blueprint = await subject.draw(WEB)
    absent = replace(blueprint.image, repository="never/pulled")
    with pytest.raises(Stale):
        await subject.runtime.create_instance(replace(blueprint, image=absent), {})
    assert set(await subject.runtime.images([str(subject.image), str(absent)])) == {str(subject.image)}


async def test_the_newest_marker_stays(subject: RuntimeSubject) -> None:
    put, owner = subject.runtime.put_marker, subject.owner
    assert await put(owner, Marker("release", "web", 1, "one"))
    assert await put(owner, Marker("release", "web", 1, "one"))
    assert await put(owner, Marker("release", "api", 1, "other"))
    assert await put(owner, Marker("release", "web", 2, '{"two": "\u00e9"}'))
    assert not await put(owner, Marker("release", "web", 2, "late"))
    assert not await put(owner, Marker("release", "web", 1, "later"))
    seen = {(m.kind, m.subject, m.sequence, m.value) for m in (await subject.look()).markers}
    assert seen == {("release", "web", 2, '{"two": "\u00e9"}'), ("release", "api", 1, "other")}


async def test_of_twenty_racing_markers_exactly_one_wins(subject: RuntimeSubject) -> None:
    racers = [Marker("lease", "", 7, f"writer {number}") for number in range(20)]
    won = await asyncio.gather(*(subject.runtime.put_marker(subject.owner, m) for m in racers))
    assert sum(won) == 1
    (seen,) = (await subject.look()).markers
    assert seen.value == racers[won.index(True)].value


async def test_a_marker_is_removed_once_for_all(subject: RuntimeSubject) -> None:
    await subject.runtime.put_marker(subject.owner, Marker("retry", "web", 1, "x"))
    (seen,) = (await subject.look()).markers
    for _ in range(2):
        await subject.runtime.remove_marker(subject.owner, seen.object_name)
    assert (await subject.look()).markers == ()
    assert subject.inventory() == frozenset()


async def test_one_owner_sees_nothing_of_another(subject: RuntimeSubject) -> None:
    await subject.create(replace(CONFIGURED, volumes=("data",)))
    await subject.runtime.put_marker(subject.owner, Marker("lease", "", 1, "x"))
    other = Owner(subject.owner.project, "prod")
    world = await subject.runtime.observe(Question(other))
    assert (world.instances, world.networks, world.volumes, world.markers) == ((), (), (), ())


async def test_a_runtime_that_cannot_be_reached_says_so(subject: RuntimeSubject) -> None:
    runtime = subject.unplugged()
    with pytest.raises(ProviderError):
        await runtime.observe(Question(subject.owner))
    await runtime.close()

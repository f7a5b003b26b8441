"""kill -9 between any two calls leaves a state from which the same call, or the next look, goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import pytest

from docker_forms import form_of, network_of, volume_of
from dying_engine import Killed
from place import Place
from providers.docker import DockerRuntime
from reconciler.actions import Blueprint
from reconciler.changes import Connect, Rename, SetLimits, SetRestart
from reconciler.files import ConfigDigest
from reconciler.observed import Instance, Marker, Phase
from reconciler.ownership import Role, files_name
from reconciler.provider import FileEntry

pytestmark = pytest.mark.engine
Deed = Callable[[DockerRuntime], Awaitable[object]]
DIGEST = "3" * 64
ENTRIES = (FileEntry("content", 0o444, 0, 0, b"one\n"),)
WRITTEN = {
    "command": ["sleep", "300"],
    "stop_signal": "SIGKILL",
    "configs": {"/etc/one.conf": {"source": "one"}},
    "secrets": {"/run/secrets/db": {"source": "db"}},
    "networks": {"default": {}, "back": {}},
}


async def crash_everywhere(place: Place, deed: Deed, restore: Callable[[], Awaitable[None]]) -> int:
    """Do the deed once for each of its changes, dying after it; ``restore`` finishes the deed, checks the
    result and brings the first state back. The number of changes that the deed makes."""
    last = 0
    while True:
        runtime = place.dying(last)
        try:
            await deed(runtime)
        except Killed:
            last += 1
        else:
            return last
        finally:
            await runtime.close()
            await restore()


async def blueprint(place: Place, read_only: bool = False) -> Blueprint:
    for name in ("default", "back"):
        await place.runtime.create_network(place.owner, network_of(place.owner, name))
    form = form_of({**WRITTEN, "read_only": read_only}, place.owner, {"one": ConfigDigest(DIGEST, "content")})
    await place.runtime.publish_files(place.owner, files_name(place.owner, DIGEST), ENTRIES, str(place.image))
    return await place.blueprint(form)


async def running(place: Place) -> Instance:
    await place.runtime.create_instance(await blueprint(place), {"db": "s3cret"})
    return await place.only()


@pytest.mark.parametrize(("read_only", "calls"), [(False, 4), (True, 6)])
async def test_creating_an_instance(place: Place, read_only: bool, calls: int) -> None:
    """create, connect, copy, start; where nothing can be copied, the three calls that fill a volume first."""
    wanted = await blueprint(place, read_only)
    phases: set[Phase] = set()

    async def create(runtime: DockerRuntime) -> None:
        await runtime.create_instance(wanted, {"db": "s3cret"})

    async def restore() -> None:
        for instance in (await place.look()).instances:
            phases.add(instance.phase)
            assert instance.name == wanted.name
            if instance.phase is Phase.CREATED:
                assert (instance.started_at, instance.error, instance.exit_code) == (None, "", None)
                await place.runtime.remove_instance(place.owner, instance.handle, 0.0)
        await create(place.runtime)
        instance = await place.only()
        assert (instance.phase, len(instance.networks)) == (Phase.RUNNING, 2)
        shown = place.engine.cli("exec", instance.name, "cat", "/etc/one.conf", "/run/secrets/db")
        assert shown == "one\ns3cret"
        await place.runtime.remove_instance(place.owner, instance.handle, 0.0)
        for volume in (await place.look()).volumes:
            if volume.role == "secret":
                await place.runtime.remove_volume(place.owner, volume.object_name)

    assert await crash_everywhere(place, create, restore) == calls
    assert {v.role for v in (await place.look()).volumes} == {"files"}
    assert phases == {Phase.CREATED, Phase.RUNNING}


async def test_publishing_files(place: Place) -> None:
    name = files_name(place.owner, DIGEST)
    seen: set[bool] = set()

    async def publish(runtime: DockerRuntime) -> None:
        await runtime.publish_files(place.owner, name, ENTRIES, str(place.image))

    async def restore() -> None:
        seen.update(volume.finished for volume in (await place.look()).volumes)
        await publish(place.runtime)
        (volume,) = (await place.look()).volumes
        assert (volume.object_name, volume.role, volume.finished) == (name, "files", True)
        mount = f"{name}:/files:ro"
        assert (
            place.engine.cli("run", "--rm", "-v", mount, str(place.image), "cat", "/files/content") == "one"
        )
        await place.runtime.remove_volume(place.owner, name)

    assert await crash_everywhere(place, publish, restore) == 3  # create, copy, remove
    assert seen == {True, False}


async def test_removing_an_unfinished_volume(place: Place) -> None:
    name = files_name(place.owner, DIGEST)

    async def unfinished() -> None:
        half = place.dying(0)
        with pytest.raises(Killed):
            await half.publish_files(place.owner, name, ENTRIES, str(place.image))
        await half.close()

    async def remove(runtime: DockerRuntime) -> None:
        await runtime.remove_volume(place.owner, name)

    async def restore() -> None:
        await remove(place.runtime)
        assert (await place.look()).volumes == ()
        await unfinished()

    await unfinished()
    assert await crash_everywhere(place, remove, restore) == 2


async def test_making_networks_volumes_and_markers(place: Place) -> None:
    network, volume = network_of(place.owner, "default"), volume_of(place.owner, "data")
    await place.runtime.put_marker(place.owner, Marker("release", "web", 1, "old"))

    async def make(runtime: DockerRuntime) -> None:
        await runtime.create_network(place.owner, network)
        await runtime.create_volume(place.owner, volume)
        assert await runtime.put_marker(place.owner, Marker("release", "web", 2, "new"))

    async def restore() -> None:
        await make(place.runtime)
        world = await place.look()
        assert [n.object_name for n in world.networks] == [network.object_name]
        assert [v.object_name for v in world.volumes] == [volume.object_name]
        assert [(m.sequence, m.value) for m in world.markers] == [(2, "new")]
        await place.runtime.remove_network(place.owner, world.networks[0].handle)
        await place.runtime.remove_marker(place.owner, world.markers[0].object_name)
        place.engine.cli("volume", "rm", volume.object_name)
        assert await place.runtime.put_marker(place.owner, Marker("release", "web", 1, "old"))

    assert await crash_everywhere(place, make, restore) == 4


@pytest.mark.parametrize("ending", [(), ("remove",)])
async def test_retiring_reviving_and_removing(place: Place, ending: Sequence[str]) -> None:
    live = await running(place)
    kept = f"{live.name}_kept"

    async def turn(runtime: DockerRuntime) -> None:
        await runtime.retire_instance(place.owner, live.handle, kept, 3.0)
        if ending:
            await runtime.remove_instance(place.owner, live.handle, 3.0)
        else:
            await runtime.revive_instance(place.owner, live.handle, live.name, "always")

    async def restore() -> None:
        nonlocal live
        found = (await place.look()).instances
        # No state in between can come back by itself under the live name once its policy is off.
        assert all(i.restart == "no" for i in found if i.role is Role.KEPT and i.phase is Phase.EXITED)
        if found:
            await turn(place.runtime)
        if ending:
            assert (await place.look()).instances == ()
            live = await running(place)
        else:
            live = await place.only()
            assert (live.role, live.phase, live.restart) == (Role.LIVE, Phase.RUNNING, "always")

    assert await crash_everywhere(place, turn, restore) == (4 if ending else 6)


async def test_mending(place: Place) -> None:
    live = await running(place)
    back = next(n.handle.id for n in (await place.look()).networks if n.name == "back")
    changes = (
        Rename(live.name), SetLimits(0.5, 64 << 20, 50, 32 << 20), SetRestart("always"),
        Connect(back, ("web",)),
    )  # fmt: skip

    async def mend(runtime: DockerRuntime) -> None:
        await runtime.mend_instance(place.owner, live.handle, changes)

    async def restore() -> None:
        await mend(place.runtime)
        seen = await place.only()
        assert (seen.name, seen.restart, seen.networks) == (live.name, "always", live.networks)
        assert seen.started_at == live.started_at
        assert seen.live_fields["deploy.resources.limits.memory"] == 64 << 20
        place.engine.cli("rename", live.name, f"{place.owner.project}-other")
        place.engine.cli("network", "disconnect", back, live.handle.id)

    assert await crash_everywhere(place, mend, restore) == 4

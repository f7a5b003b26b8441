"""Files from git as a content-addressed volume, filled through a container that never starts.

The create of the filler makes the volume, so a volume without a filler is finished: a crash at any point
leaves the filler, and the same call takes up where it stopped.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from providers.docker.archive import pack, unpack_all
from providers.docker.containers import Containers
from providers.docker.engine import Engine
from providers.docker.faults import EngineError, name_held, stale
from providers.docker.labels import FILLER, object_labels
from providers.docker.tree import text, text_map
from providers.docker.volumes import filler_name, find
from reconciler.contents import Seen
from reconciler.desired import Json
from reconciler.observed import Handle
from reconciler.ownership import Owner, is_ours
from reconciler.provider import FileEntry, ProviderError, Stale

_ROOT = "/.reconciler"
_ROUNDS = 3
_READ = 60.0
"""Seconds for the bytes of one Config."""
Give = Callable[[str], Awaitable[bytes]]
"""Makes the tar to be put into a volume, given the id of its filler, whose image can be read."""


async def publish(
    containers: Containers, owner: Owner, volume: str, entries: Sequence[FileEntry], image: str
) -> None:
    """Make and fill a volume of role files; finished already is success. ``image`` is any image that the
    engine holds. Raises Refused when a stranger holds a name, Stale when image or filler went away."""
    content = pack(volume, entries)

    async def give(filler: str) -> bytes:
        return content

    await fill(containers, owner, volume, "files", image, give)


async def fill(containers: Containers, owner: Owner, volume: str, role: str, image: str, give: Give) -> None:
    """Make a volume and fill it with the tar that ``give`` makes, as ``publish`` says. Two that fill one
    volume at once (replicas of one generation) help each other: who comes late looks again."""
    for late in range(_ROUNDS):
        try:
            await _fill_once(containers, owner, volume, role, image, give)
            return
        except Stale:
            if late == _ROUNDS - 1:
                raise


async def _fill_once(
    containers: Containers, owner: Owner, volume: str, role: str, image: str, give: Give
) -> None:
    engine = containers.engine
    # The volume first: one that was there before its filler was seen to be absent is finished.
    found = await find(engine, volume)
    filler = await _filler(engine, owner, volume)
    if filler is None:
        if found is not None:
            if not is_ours(text_map(found, "Labels"), owner):
                raise name_held(volume, "a volume without our owner label")
            return
        filler = await _create_filler(engine, owner, volume, role, image)
    try:
        await engine.write("PUT", f"/containers/{filler}/archive", {"path": _ROOT}, await give(filler))
    except EngineError as error:
        if error.status == 404:
            raise stale(volume, "its filler went away: another process may have finished it") from None
        raise
    await containers.remove(filler)


async def read(engine: Engine, handle: Handle, path: str) -> Sequence[Seen]:
    """The files at and below a path of a container, as it sees them; none where nothing is there."""
    try:
        answer = await engine.fetch(f"/containers/{handle.id}/archive", {"path": path}, _READ)
        return unpack_all(answer.body)
    except EngineError as error:
        if error.status == 404 and "No such container" not in error.seen:
            return ()
        raise
    except ValueError as error:
        raise ProviderError("DKR061", path, str(error), "an archive", "read the engine's log") from None


async def _filler(engine: Engine, owner: Owner, volume: str) -> str | None:
    found = await engine.find(f"/containers/{filler_name(volume)}/json")
    if found is None:
        return None
    if not is_ours(text_map(found, "Config", "Labels"), owner):
        raise name_held(filler_name(volume), "a container without our owner label")
    return text(found, "Id")


async def _create_filler(engine: Engine, owner: Owner, volume: str, role: str, image: str) -> str:
    labels: dict[str, Json] = dict(object_labels(owner, volume, role))
    mount: dict[str, Json] = {
        "Type": "volume",
        "Source": volume,
        "Target": _ROOT,
        "VolumeOptions": {"NoCopy": True, "Labels": labels},
    }
    body: dict[str, Json] = {
        "Image": image,
        "Entrypoint": ["/never-started"],
        "Labels": dict(object_labels(owner, volume, FILLER)),
        "HostConfig": {"NetworkMode": "none", "Mounts": [mount]},
    }
    try:
        return await engine.create("/containers/create", {"name": filler_name(volume)}, body)
    except EngineError as error:
        if error.status in (404, 409):
            raise stale(volume, error.seen) from None
        raise

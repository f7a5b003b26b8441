"""The verbs on volumes: data, files from git, markers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from providers.memory.behaviour import DEFAULT
from providers.memory.birth import is_filler, require_free
from providers.memory.container import Container
from providers.memory.errors import absent_image, foreign, gone, in_use, not_ours
from providers.memory.ground import Ground, Volume, require_owner
from providers.memory.labels import volume_labels
from reconciler.contents import Seen
from reconciler.desired import DesiredVolume, Json
from reconciler.observed import Marker
from reconciler.ownership import OWNER, ROLE, Owner, marker_name
from reconciler.provider import FileEntry, Refused, Stale


async def create(ground: Ground, owner: Owner, volume: DesiredVolume) -> None:
    """create. One of ours by this name is success, whatever its options."""
    name = volume.object_name
    fields: dict[str, Json] = {"driver": volume.driver}
    fields.update({f"driver_opts.{k}": v for k, v in volume.driver_opts.items()})
    fields.update({f"labels.{k}": v for k, v in volume.labels.items()})
    labels = {**volume.labels, **volume_labels(owner, volume.name, "data")}
    _require_ours(ground, owner, name)
    if name not in ground.volumes:
        await ground.call("create_volume", "create", name, lambda: ground.make_volume(name, labels, fields))
        _require_ours(ground, owner, name)


async def remove(ground: Ground, owner: Owner, name: str) -> None:
    """remove_helper (of an unfinished one), remove. Refused for role data; gone already is success."""
    volume = ground.volumes.get(name)
    if volume is None:
        return
    require_owner(owner, "volume", name, volume.labels)
    if volume.labels.get(ROLE) not in {"files", "secret"}:
        where = f"memory engine: volume {name}"
        raise Refused("MEM405", where, "it holds data", "a volume of role files or secret")
    helper = filler_of(ground, name)
    if helper is not None:
        await ground.call("remove_volume", "remove_helper", name, lambda: _drop(ground, helper))
    await ground.call("remove_volume", "remove", name, lambda: _remove(ground, name))


async def publish(ground: Ground, owner: Owner, name: str, entries: Sequence[FileEntry], image: str) -> None:
    """create_helper (which makes the volume), put_archive, remove_helper."""
    await fill(ground, "publish_files", owner, name, "files", entries, image)


async def fill(
    ground: Ground,
    verb: str,
    owner: Owner,
    name: str,
    role: str,
    entries: Sequence[FileEntry],
    image: str,
) -> None:
    """The calls of ``publish`` for a volume of any role, as part of ``verb``. Of two that fill one volume at
    once, who comes late looks again."""
    _require_ours(ground, owner, name)
    helper = filler_of(ground, name)
    if name in ground.volumes and helper is None:
        return
    try:
        if helper is None:
            helper = await ground.call(
                verb, "create_helper", name, lambda: create_helper(ground, owner, name, image, role)
            )
        filler = helper
        await ground.call(verb, "put_archive", name, lambda: _fill(ground, filler, name, entries))
    except Stale:
        if name not in ground.volumes:
            raise
        await fill(ground, verb, owner, name, role, entries, image)
        return
    await ground.call(verb, "remove_helper", name, lambda: _drop(ground, filler))


def read(ground: Ground, container_id: str, path: str) -> list[Seen]:
    """The files at and below a path of a container that mounts a volume of files there."""
    container = ground.container(container_id)
    volume = ground.volumes.get(container.volumes.get(path, ""))
    uses = container.form.files if container.form is not None else ()
    single = {use.file for use in uses if use.target == path and use.file is not None}
    if volume is None:
        return []
    return [_seen(volume, name, "." if name in single else name) for name in sorted(volume.content)]


def _seen(volume: Volume, name: str, path: str) -> Seen:
    made = volume.files.get(name)
    mode, uid, gid = (made.mode, made.uid, made.gid) if made else (0o644, 0, 0)
    return Seen(path, mode, uid, gid, volume.content[name], made.link if made else None)


async def put_marker(ground: Ground, owner: Owner, marker: Marker) -> bool:
    """create (a compare-and-swap), remove (each older one)."""
    name = marker_name(owner, marker.kind, marker.subject, marker.sequence, marker.value)
    won = await ground.call("put_marker", "create", name, lambda: _swap(ground, owner, marker, name))
    if not won:
        return False
    for older in _rivals(ground, owner, marker):
        if older.sequence < marker.sequence:
            forget = partial(ground.volumes.pop, older.object_name, None)
            await ground.call("put_marker", "remove", older.object_name, forget)
    return True


async def remove_marker(ground: Ground, owner: Owner, name: str) -> None:
    """remove. Gone already is success; Stale for anything but a marker of ours."""
    volume = ground.volumes.get(name)
    if volume is None:
        return
    require_owner(owner, "volume", name, volume.labels)
    if volume.marker is None:
        raise not_ours("marker", name)
    await ground.call("remove_marker", "remove", name, lambda: ground.volumes.pop(name, None))


def filler_of(ground: Ground, name: str) -> Container | None:
    """The container whose presence says that a volume is unfinished."""
    return next((c for c in ground.consumers(name) if is_filler(c)), None)


def make_marker(ground: Ground, owner: Owner, marker: Marker) -> Volume:
    """Write a marker beside all others: what a writer without compare-and-swap would leave."""
    name = marker_name(owner, marker.kind, marker.subject, marker.sequence, marker.value)
    volume = ground.make_volume(name, volume_labels(owner, marker.kind, "marker"), {})
    volume.marker = replace(marker, object_name=name)
    return volume


def _swap(ground: Ground, owner: Owner, marker: Marker, name: str) -> bool:
    rivals = _rivals(ground, owner, marker)
    if any(r.sequence >= marker.sequence and r.object_name != name for r in rivals):
        return False
    make_marker(ground, owner, marker)
    return True


def _rivals(ground: Ground, owner: Owner, marker: Marker) -> list[Marker]:
    ours = [v.marker for v in ground.volumes.values() if v.marker and v.labels.get(OWNER) == str(owner)]
    return [m for m in ours if (m.kind, m.subject) == (marker.kind, marker.subject)]


def _require_ours(ground: Ground, owner: Owner, name: str) -> None:
    volume = ground.volumes.get(name)
    if volume is not None and volume.labels.get(OWNER) != str(owner):
        raise foreign("volume", name, volume.labels.get(OWNER))


def create_helper(ground: Ground, owner: Owner, name: str, image: str, role: str = "files") -> Container:
    """The engine's create of the filling container, which makes the volume."""
    if image not in ground.images:
        raise absent_image(image)
    require_free(ground, owner, f"{name}_filling")
    ground.make_volume(name, volume_labels(owner, name, role), {"driver": "local"})
    labels = volume_labels(owner, name, "filler")
    helper = Container(ground.new_id("container"), f"{name}_filling", image, labels, DEFAULT, ground.now)
    helper.volumes["/files"] = name
    ground.containers[helper.id] = helper
    return helper


def _fill(ground: Ground, helper: Container, name: str, entries: Sequence[FileEntry]) -> None:
    if helper.id not in ground.containers:
        raise gone("container", helper.name)
    content = ground.volumes[name].content
    ground.volumes[name].files.update({entry.path: entry for entry in entries})
    content.update({e.path: e.content for e in entries if e.link is None})
    for entry in entries:
        if entry.link is not None and entry.link in content:
            content[entry.path] = content[entry.link]


def _drop(ground: Ground, helper: Container) -> None:
    ground.containers.pop(helper.id, None)


def _remove(ground: Ground, name: str) -> None:
    users = ground.consumers(name)
    if users:
        raise in_use("volume", name, users[0].name)
    ground.volumes.pop(name, None)

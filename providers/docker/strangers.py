"""Containers that are not ours: told, set aside, brought back, let go (verb ``adopt``)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from providers.docker.containers import Containers
from providers.docker.faults import EngineError, stale
from providers.docker.fields import live_restart
from providers.docker.labels import without_inherited
from providers.docker.listing import container_name
from providers.docker.mounts import ANONYMOUS
from providers.docker.tree import Node, branch, flag, nodes, text, text_map, whole
from reconciler.observed import Handle, Phase, Tenant
from reconciler.ownership import OWNER
from reconciler.provider import Refused
from reconciler.stranger import Maker, Stranger

_PROJECT = "com.docker.compose.project"
_SERVICE = "com.docker.compose.service"
_PHASES = {phase.value: phase for phase in Phase}
_GRACE = 10.0
_PARALLEL = 8
_LOOKS, _PAUSE = 25, 0.2


async def find_all(containers: Containers, host: str) -> Sequence[Stranger]:
    """All containers without an owner label of ours, by name."""
    engine, limit = containers.engine, asyncio.Semaphore(_PARALLEL)

    async def inspect(container_id: str) -> Stranger | None:
        async with limit:
            found = await engine.find(f"/containers/{container_id}/json")
        if found is None or await _owner(containers, found):
            return None
        return read_stranger(host, found)

    listed = await engine.read_list("/containers/json", {"all": 1})
    found = await asyncio.gather(*(inspect(text(container, "Id")) for container in listed))
    return sorted((s for s in found if s is not None), key=lambda stranger: stranger.name)


async def _owner(containers: Containers, container: Node) -> str:
    labels = text_map(container, "Config", "Labels")
    return without_inherited(labels, await containers.images.labels_of(container)).get(OWNER, "")


def read_stranger(host: str, container: Node) -> Stranger:
    """A stranger as an inspect tells of it. Pure."""
    labels = text_map(container, "Config", "Labels")
    service_name = labels.get(_SERVICE, "")
    mounts = nodes(container, "Mounts")
    volumes = {text(m, "Destination"): text(m, "Name") for m in mounts if text(m, "Type") == "volume"}
    bindings = branch(container, "HostConfig", "PortBindings")
    ports = {text(b, "HostPort") for key in bindings for b in nodes(bindings, key)}
    return Stranger(
        handle=Handle(host, text(container, "Id")),
        name=text(container, "Name").lstrip("/"),
        image=text(container, "Config", "Image"),
        phase=_PHASES.get(text(container, "State", "Status"), Phase.DEAD),
        restart=live_restart(container),
        origin=Maker(labels.get(_PROJECT, ""), service_name) if service_name else None,
        networks=tuple(sorted(branch(container, "NetworkSettings", "Networks"))),
        volumes=volumes,
        host_mounts={text(m, "Destination"): text(m, "Source") for m in mounts if text(m, "Type") == "bind"},
        anonymous=frozenset(path for path, name in volumes.items() if ANONYMOUS.fullmatch(name)),
        ports=frozenset(int(port) for port in ports if port.isdecimal()),
        grace=float(whole(container, "Config", "StopTimeout")) or _GRACE,
    )


def tenants(containers: Iterable[Node], ours: frozenset[str]) -> frozenset[Tenant]:
    """Who of the listed containers, but ours, runs and writes into which volume."""
    found: set[Tenant] = set()
    for container in containers:
        if text(container, "Id") in ours or text(container, "State") != "running":
            continue
        service_name = text_map(container, "Labels").get(_SERVICE, "")
        for mount in nodes(container, "Mounts"):
            if text(mount, "Type") == "volume" and flag(mount, "RW"):
                found.add(Tenant(text(mount, "Name"), container_name(container), service_name))
    return frozenset(found)


async def set_aside(containers: Containers, handle: Handle, name: str, grace: float) -> None:
    """Restart policy off, then another name, then stop: in this order no restart of the engine brings it
    back to life while ours takes its place."""
    container = await _stranger(containers, handle)
    await containers.set_restart(handle, "no")
    await containers.rename(container, name)
    await containers.stop(container, grace)
    for _ in range(_LOOKS):
        listed = await containers.engine.read_list("/containers/json", {"all": 1})
        if not any(text(row, "Id") == handle.id and _holds_ports(row) for row in listed):
            return
        await asyncio.sleep(_PAUSE)


def _holds_ports(listed: Node) -> bool:
    """An engine may list the ports of a container for a moment after it has stopped."""
    return any(whole(port, "PublicPort") for port in nodes(listed, "Ports"))


async def bring_back(containers: Containers, handle: Handle, name: str, restart: str) -> None:
    """The name it had, the restart policy, start."""
    container = await _stranger(containers, handle)
    await containers.rename(container, name)
    await containers.set_restart(handle, restart)
    await containers.start(handle, name)


async def let_go(containers: Containers, handle: Handle) -> None:
    """Remove a stopped one, without any volume; gone already is success."""
    if await containers.engine.find(f"/containers/{handle.id}/json") is None:
        return
    await _stranger(containers, handle)
    try:
        await containers.engine.write("DELETE", f"/containers/{handle.id}", {"v": 0, "force": 0})
    except EngineError as error:
        if error.status != 404:
            raise


async def _stranger(containers: Containers, handle: Handle) -> Node:
    found = await containers.engine.find(f"/containers/{handle.id}/json")
    if found is None:
        raise stale(handle.id[:12], "the container is gone")
    if owner := await _owner(containers, found):
        name, remedy = text(found, "Name").lstrip("/"), "leave it to its owner"
        raise Refused("DKR060", name, f"it belongs to {owner}", "a container of nobody of ours", remedy)
    return found

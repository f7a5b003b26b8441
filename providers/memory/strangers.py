"""Containers that are not ours, as verb ``adopt`` meets them."""

from __future__ import annotations

from collections.abc import Sequence

from providers.memory import birth, instances
from providers.memory.container import Container
from providers.memory.errors import foreign, gone
from providers.memory.ground import Ground
from reconciler.observed import Handle, Tenant
from reconciler.ownership import OWNER
from reconciler.stranger import Maker, Stranger

PROJECT = "com.docker.compose.project"
SERVICE = "com.docker.compose.service"


def find_all(ground: Ground) -> Sequence[Stranger]:
    """All containers without an owner label, by name."""
    strangers = [c for c in ground.containers.values() if not c.labels.get(OWNER)]
    return [_read(ground, c) for c in sorted(strangers, key=lambda c: c.name)]


def tenants(ground: Ground) -> frozenset[Tenant]:
    """Who is not ours, runs and writes into which volume."""
    strangers = [c for c in ground.containers.values() if c.alive and not c.labels.get(OWNER)]
    return frozenset(
        Tenant(volume, c.name, c.labels.get(SERVICE, "")) for c in strangers for volume in c.volumes.values()
    )


async def set_aside(ground: Ground, container_id: str, name: str, grace: float) -> None:
    """update_restart, rename, stop (when it is alive)."""
    container = _stranger(ground, container_id)
    verb = "set_aside"
    await ground.call(verb, "update_restart", container.name, lambda: _set_restart(container, "no"))
    await _rename(ground, verb, container, name)
    if container.alive:
        if container.behaviour.ignores_term:
            await ground.time.sleep(grace)
        await ground.call(verb, "stop", name, lambda: instances.stop(ground, container))


async def bring_back(ground: Ground, container_id: str, name: str, restart: str) -> None:
    """rename, update_restart, start (when it does not run)."""
    container = _stranger(ground, container_id)
    verb = "bring_back"
    await _rename(ground, verb, container, name)
    await ground.call(verb, "update_restart", name, lambda: _set_restart(container, restart))
    if not container.alive:
        await ground.call(verb, "start", name, lambda: birth.start(ground, container))


async def let_go(ground: Ground, container_id: str) -> None:
    """remove. Gone already is success."""
    if container_id in ground.containers:
        container = _stranger(ground, container_id)
        remove = ground.containers.pop
        await ground.call("let_go", "remove", container.name, lambda: remove(container_id, None))


def _read(ground: Ground, container: Container) -> Stranger:
    service_name = container.labels.get(SERVICE, "")
    return Stranger(
        handle=Handle(ground.host, container.id),
        name=container.name,
        image=container.image,
        phase=container.phase,
        restart=container.restart,
        origin=Maker(container.labels.get(PROJECT, ""), service_name) if service_name else None,
        networks=tuple(sorted(endpoint.network for endpoint in container.networks.values())),
        volumes=dict(container.volumes),
        ports=container.ports,
    )


def _stranger(ground: Ground, container_id: str) -> Container:
    if container_id not in ground.containers:
        raise gone("container", container_id[:12])
    container = ground.container(container_id)
    if owner := container.labels.get(OWNER):
        raise foreign("container", container.name, owner)
    return container


def _set_restart(container: Container, policy: str) -> None:
    container.restart = policy


async def _rename(ground: Ground, verb: str, container: Container, name: str) -> None:
    if container.name != name:
        await ground.call(verb, "rename", container.name, lambda: _rename_to(ground, container, name))


def _rename_to(ground: Ground, container: Container, name: str) -> None:
    holder = ground.named(name)
    if holder is not None:
        raise foreign("container", name, holder.labels.get(OWNER))
    container.name = name

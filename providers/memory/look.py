"""One look at the engine in memory."""

from __future__ import annotations

from collections.abc import Iterator

from providers.memory.container import Container
from providers.memory.ground import Ground, Network, Volume
from providers.memory.labels import generation_of
from providers.memory.places import place_fields
from providers.memory.processes import find_tasks
from providers.memory.strangers import tenants
from providers.memory.volumes import filler_of
from reconciler import ownership
from reconciler.changes import LIMIT_PATHS
from reconciler.desired import NOTHING
from reconciler.joins import name_joins
from reconciler.observed import (
    Handle,
    Health,
    Instance,
    LiveNetwork,
    LiveVolume,
    Namesake,
    Traits,
)
from reconciler.ownership import Owner, parse_instance_name, role_of
from reconciler.provider import Question, World
from specs.rollout_times import health_times

TRAITS = Traits((*LIMIT_PATHS, "restart"))
_RETRIES = 1000
"""As many probes as any check may have to fail."""
_VOLUME_ROLES = {"data", "files", "secret"}


def look(ground: Ground, question: Question) -> World:
    """Everything of one owner; the parts that are unreadable stay empty and are named."""
    owner, hidden = question.owner, ground.unreadable
    volumes = [v for v in ground.volumes.values() if _is_of(v.labels, owner)]
    return World(
        at=ground.now,
        instances=() if "instances" in hidden else name_joins(tuple(_instances(ground, owner))),
        networks=() if "networks" in hidden else tuple(_networks(ground, owner)),
        volumes=() if "volumes" in hidden else tuple(_volumes(ground, volumes)),
        markers=() if "markers" in hidden else tuple(v.marker for v in volumes if v.marker),
        namesakes=tuple(_namesakes(ground, question)),
        tasks=tuple(find_tasks(ground, owner)),
        registry_running=frozenset(r.name for r in question.registries if r.name in ground.local_registries),
        unreadable=tuple(hidden.values()),
        traits=TRAITS,
        ports=_ports(ground, owner),
        tenants=tenants(ground),
        engine=ground.host,
        free=ground.free,
        platform="linux/amd64",
    )


def _instances(ground: Ground, owner: Owner) -> Iterator[Instance]:
    for container in ground.containers.values():
        service_name = container.labels.get(ownership.SERVICE, "")
        readable = f"service:{service_name}" not in ground.unreadable
        if _is_of(container.labels, owner) and service_name and readable:
            yield _instance(ground, container, service_name)


def _instance(ground: Ground, container: Container, service_name: str) -> Instance:
    labels, form = container.labels, container.form
    role, number = role_of(parse_instance_name(container.name), labels.get(ownership.ROLE, ""))
    health, healthy_since = container.health(ground.now)
    return Instance(
        handle=Handle(ground.host, container.id),
        name=container.name,
        service_name=service_name,
        role=role,
        number=number,
        generation=generation_of(labels),
        input=labels.get(ownership.INPUT, ""),
        commit=labels.get(ownership.COMMIT, ""),
        pin=labels.get(ownership.PIN, ""),
        source=labels.get(ownership.SOURCE, ""),
        applied=form.canonical if form else None,
        applied_fields=form.fields if form else NOTHING,
        live_fields={**container.fields, **place_fields(container), "restart": container.restart},
        networks=tuple(e.network for i, e in container.networks.items() if i in ground.networks),
        volumes=tuple(dict.fromkeys(container.volumes.values())),
        image=labels.get(ownership.IMAGE, ""),
        phase=container.phase,
        health=health,
        created_at=container.created_at,
        started_at=container.started_at,
        finished_at=container.finished_at,
        healthy_since=healthy_since,
        check=health_times(form.spec) if form and container.has_check else None,
        failing=_RETRIES if container.failing(ground.now) else 0,
        checked_at=ground.now if health is Health.HEALTHY else None,
        exit_code=container.exit_code,
        out_of_memory=container.out_of_memory,
        exits=container.exits,
        error=container.error,
        restart=container.restart,
        missing_networks=tuple(e.network for i, e in container.networks.items() if i not in ground.networks),
    )


def _networks(ground: Ground, owner: Owner) -> Iterator[LiveNetwork]:
    for network in ground.networks.values():
        if _is_of(network.labels, owner):
            yield _network(ground, network)


def _network(ground: Ground, network: Network) -> LiveNetwork:
    members = tuple(c.id for c in ground.members(network.id))
    name = network.labels.get(ownership.NAME, "")
    handle = Handle(ground.host, network.id)
    return LiveNetwork(handle, name, network.name, network.created_at, dict(network.fields), members)


def _volumes(ground: Ground, volumes: list[Volume]) -> Iterator[LiveVolume]:
    for volume in volumes:
        role = volume.labels.get(ownership.ROLE, "")
        if role in _VOLUME_ROLES:
            helper = filler_of(ground, volume.name)
            yield LiveVolume(
                handle=Handle(ground.host, volume.name),
                name=volume.labels.get(ownership.NAME, ""),
                object_name=volume.name,
                role=role,
                finished=helper is None,
                fields=dict(volume.fields),
                filler=Handle(ground.host, helper.id) if helper else None,
            )


def _namesakes(ground: Ground, question: Question) -> Iterator[Namesake]:
    wanted, owner = set(question.names), question.owner
    for container in ground.containers.values():
        if container.name in wanted and not _is_of(container.labels, owner):
            handle = Handle(ground.host, container.id)
            yield Namesake("container", container.name, handle, container.labels.get(ownership.OWNER))
    for network in ground.networks.values():
        if network.name in wanted and not _is_of(network.labels, owner):
            handle = Handle(ground.host, network.id)
            yield Namesake("network", network.name, handle, network.labels.get(ownership.OWNER))
    for volume in ground.volumes.values():
        if volume.name in wanted and not _is_of(volume.labels, owner):
            handle = Handle(ground.host, volume.name)
            yield Namesake("volume", volume.name, handle, volume.labels.get(ownership.OWNER))


def _ports(ground: Ground, owner: Owner) -> dict[int, str]:
    held = dict(ground.strangers)
    for container in ground.containers.values():
        if container.alive and not _is_of(container.labels, owner):
            held.update(dict.fromkeys(container.ports, container.name))
    return held


def _is_of(labels: dict[str, str], owner: Owner) -> bool:
    return ownership.is_ours(labels, owner)

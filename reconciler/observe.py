"""Asks the providers and builds ``Observed``: complete, or saying what could not be seen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from reconciler.clients import ReadClients
from reconciler.desired import Desired, Subject
from reconciler.look_at_storage import StorageMemory, look_at_storage
from reconciler.look_at_traffic import TrafficMemory, look_at_traffic
from reconciler.observed import (
    ABSENT,
    Artifact,
    Attempt,
    Health,
    Instance,
    LiveImage,
    Marker,
    Observed,
    Phase,
    Unreadable,
)
from reconciler.ourselves import recognise
from reconciler.provider import ProviderError, Question, World
from reconciler.said import Said
from reconciler.target import desired_target
from reconciler.view import ServiceView, Views, group
from specs.proxy import OWN
from specs.reference import ImageRef

_KINDS = ("instances", "networks", "volumes", "markers")


@dataclass(slots=True)
class Memory:
    """What this process remembers from look to look; all of it may be lost."""

    healthy_since: dict[str, float] = field(default_factory=dict)
    unreadable_since: dict[str, float] = field(default_factory=dict)
    last_at: float | None = None
    said: Said = field(default_factory=Said)
    storage: StorageMemory = field(default_factory=StorageMemory)
    traffic: TrafficMemory = field(default_factory=TrafficMemory)

    def recall(self, instance: Instance) -> Instance:
        """The instance with the start of its run of successes as far back as we saw it: an engine's log
        keeps five results, which is shorter than many a monitor window."""
        key = instance.handle.id
        if instance.health is not Health.HEALTHY or instance.healthy_since is None:
            self.healthy_since.pop(key, None)
            return instance
        since = instance.healthy_since
        if instance.healthy_longer:  # else a failure ended what we remember
            since = min(self.healthy_since.get(key, since), since)
        if instance.started_at is not None and since < instance.started_at:
            since = instance.healthy_since
        self.healthy_since[key] = since
        return replace(instance, healthy_since=since) if since != instance.healthy_since else instance

    def forget_others(self, instances: Iterable[Instance]) -> None:
        """What is gone is never asked for again."""
        living = {instance.handle.id for instance in instances}
        self.healthy_since = {key: at for key, at in self.healthy_since.items() if key in living}

    def date(self, entries: Iterable[Unreadable], now: float) -> tuple[Unreadable, ...]:
        """The entries with the time since when each could not be read."""
        dated = tuple(replace(e, since=self.unreadable_since.get(e.what, now)) for e in entries)
        self.unreadable_since = {entry.what: entry.since for entry in dated}
        return dated


async def observe(
    desired: Desired,
    clients: ReadClients,
    memory: Memory,
    in_flight: frozenset[Subject] = frozenset(),
    attempts: Mapping[Subject, Attempt] | None = None,
    healed: Mapping[Subject, tuple[float, ...]] | None = None,
) -> Observed:
    """One look. Never raises ProviderError: what cannot be read is named in ``unreadable``."""
    world = await _look(desired, clients, memory)
    vanished: tuple[Marker, ...] = ()
    if not {"instances", "markers"} & {entry.what for entry in world.unreadable}:
        vanished = memory.said.vanished(world.markers, world.instances, world.at)
        memory.forget_others(world.instances)
    seen = Observed(
        at=world.at,
        instances=tuple(memory.recall(i) for i in world.instances),
        networks=world.networks,
        volumes=world.volumes,
        markers=world.markers + vanished,
        namesakes=world.namesakes,
        tasks=world.tasks,
        registry_running=world.registry_running,
        in_flight=in_flight,
        attempts=attempts or {},
        healed=healed or {},
        traits=world.traits,
        ports=world.ports,
        tenants=world.tenants,
        engine=world.engine,
        vanished=vanished,
        ourselves=recognise(world.instances, clients.ourselves),
    )
    views = group(seen)
    if desired.proxy is not None:
        is_new = not any(v.name == OWN for v in seen.volumes) and not world.unreadable
        found = await look_at_traffic(
            desired, clients, memory.traffic, seen.instances, views, seen.at, is_new
        )
        seen = replace(seen, traffic=found[0], instances=found[1])
        views = group(seen)
    artifacts, failed = await _artifacts(desired, seen, views, clients)
    seen = replace(seen, artifacts=artifacts)
    present, unanswered = await _present(desired, seen, views, clients)
    seen = replace(seen, present=present)
    storage = await look_at_storage(desired, seen, world, views, clients, memory.storage)
    unreadable = memory.date((*world.unreadable, *failed, *unanswered), seen.at)
    return replace(seen, storage=storage, unreadable=unreadable)


async def look(desired: Desired, clients: ReadClients) -> Observed:
    """One look that changes nothing."""
    return await observe(desired, clients, Memory())


async def _look(desired: Desired, clients: ReadClients, memory: Memory) -> World:
    names = {n.object_name for n in desired.networks.values() if not n.external}
    names |= {v.object_name for v in desired.volumes.values() if not v.external}
    names |= {f.volume for f in desired.files.values()}
    question = Question(desired.owner, tuple(sorted(names)), tuple(desired.registries.values()))
    try:
        world = await clients.runtime.observe(question)
    except ProviderError as error:
        at = memory.last_at if memory.last_at is not None else time.time()
        return World(at=at, unreadable=tuple(Unreadable(kind, str(error), at) for kind in _KINDS))
    memory.last_at = world.at
    return world


async def _artifacts(
    desired: Desired, seen: Observed, views: Views, clients: ReadClients
) -> tuple[dict[str, Artifact], list[Unreadable]]:
    """Ask the registries: is each image of ours built, and what does each new reference name now?"""
    silent = {name for name in desired.registries if name not in seen.registry_running}
    asked = {i.ref for i in desired.images.values() if i.registry_name not in silent}
    asked |= set(_unresolved(desired, views))
    # A local registry that does not run yet holds nothing: absent, not unreadable.
    answers: dict[str, Artifact] = {
        str(i.ref): ABSENT for i in desired.images.values() if i.registry_name in silent
    }
    refs = sorted(asked - {i.ref for i in desired.images.values() if i.registry_name in silent}, key=str)
    found = await asyncio.gather(*(_digest(ref, clients) for ref in refs))
    failed: list[Unreadable] = []
    for ref, answer in zip(refs, found, strict=True):
        if isinstance(answer, ProviderError):
            failed.append(Unreadable(f"artifact:{ref}", str(answer), seen.at))
        else:
            answers[str(ref)] = answer
    return answers, failed


def _unresolved(desired: Desired, views: Views) -> Iterable[ImageRef]:
    """References from outside whose digest no instance and no release remembers: resolved once."""
    for service in desired.services.values():
        if service.image.image_name is None and service.image.locked is None:
            view = views.of(service.name)
            if not _remembers(view, service.image.input):
                yield service.image.ref


def _remembers(view: ServiceView, wanted: str) -> bool:
    known = [i.input for i in view.instances] + [r.input for r in view.releases]
    return wanted in known


async def _digest(ref: ImageRef, clients: ReadClients) -> Artifact | ProviderError:
    if ref.digest is not None:
        return ref.digest
    try:
        registry = await clients.registry(ref)
        return await registry.digest(ref) or ABSENT
    except ProviderError as error:
        return error


async def _present(
    desired: Desired, seen: Observed, views: Views, clients: ReadClients
) -> tuple[Mapping[str, LiveImage], list[Unreadable]]:
    names = sorted(_images_in_question(desired, seen, views))
    if not names or seen.cannot_read("instances"):
        return {}, []
    try:
        return await clients.runtime.images(names), []
    except ProviderError as error:
        return {}, [Unreadable("images", str(error), seen.at)]


def _images_in_question(desired: Desired, seen: Observed, views: Views) -> set[str]:
    """The images of services that may need another instance; a settled service costs no question."""
    names: set[str] = set()
    for service in desired.services.values():
        view = views.of(service.name)
        target = desired_target(service, view, seen, desired.commit)
        started = [i for i in view.live if i.phase is not Phase.CREATED]
        current = sum(target.is_generation_of(i) for i in started)
        if current == service.replicas == len(view.live) and not view.held and not _drifted(view):
            continue
        if target.image is not None:
            names.add(str(target.image))
        names |= {i.image for i in view.instances} | {r.image for r in view.releases}
    return names


def _drifted(view: ServiceView) -> bool:
    return any(i.live_fields.get(p, v) != v for i in view.live for p, v in i.applied_fields.items())

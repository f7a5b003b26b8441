"""Asks how much room there is for what is to be pulled, and whether what proved itself can be had back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from reconciler.clients import ReadClients
from reconciler.desired import Desired
from reconciler.observed import Observed
from reconciler.provider import ProviderError, Refused, World
from reconciler.release import Release
from reconciler.storage import Layer, Storage
from reconciler.target import desired_target
from reconciler.view import ServiceView, Views
from specs.reference import ImageRef, InvalidReference

DAY: Final = 86_400.0
"""Seconds after which an image that was there is asked for again."""
_TARGETS: Final = 2
"""Newest releases whose images must be somewhere: what runs, and what came before it."""


@dataclass(slots=True)
class StorageMemory:
    """What this process knows of images by digest: it never changes, or is asked for again a day later."""

    layers: dict[str, tuple[Layer, ...] | None] = field(default_factory=dict)
    """By image; None where its registry does not tell."""
    found: dict[str, tuple[float, bool]] = field(default_factory=dict)
    """Image -> when it was looked for, and whether it was anywhere."""


async def look_at_storage(
    desired: Desired, seen: Observed, world: World, views: Views, clients: ReadClients, memory: StorageMemory
) -> Storage:
    """Never raises ProviderError: what cannot be read is not known, and stops nothing."""
    wanted = sorted(set(_to_be_pulled(desired, seen, views)), key=str) if world.free is not None else []
    found = await asyncio.gather(*(_layers(ref, world.platform, clients, memory) for ref in wanted))
    layers = {str(ref): its for ref, its in zip(wanted, found, strict=True) if its is not None}
    lost: Mapping[str, str] = {}
    if not seen.cannot_read("instances") and not seen.cannot_read("markers"):
        lost = await _lost(desired, seen.at, views, clients, memory)
    return Storage(world.free, layers, lost)


def _to_be_pulled(desired: Desired, seen: Observed, views: Views) -> Iterable[ImageRef]:
    """Images that the engine does not hold, of services of which no instance runs them."""
    for service in desired.services.values():
        view = views.of(service.name)
        image = desired_target(service, view, seen, desired.commit).image
        runs = image is not None and any(i.generation.digest == str(image.digest) for i in view.live)
        if image is not None and not runs and str(image) not in seen.present:
            yield image


async def _layers(
    ref: ImageRef, platform: str, clients: ReadClients, memory: StorageMemory
) -> tuple[Layer, ...] | None:
    name = str(ref)
    if name not in memory.layers and platform:
        try:
            registry = await clients.registry(ref)
            found = await registry.layers(ref, platform)
        except Refused:
            found = None  # as it will be in the next pass
        except ProviderError:
            return None
        memory.layers[name] = None if found is None else tuple(found)
    return memory.layers.get(name)


async def _lost(
    desired: Desired, now: float, views: Views, clients: ReadClients, memory: StorageMemory
) -> Mapping[str, str]:
    lost: dict[str, str] = {}
    for name in sorted(desired.services):
        for release in _without_container(views.of(name)):
            if not await is_somewhere(release.image, now, clients, memory):
                lost.setdefault(name, release.image)
    return lost


def _without_container(view: ServiceView) -> list[Release]:
    """The releases to go back to of which no container is left: a container, stopped or not, keeps its image
    from every prune."""
    there = {instance.generation for instance in view.instances}
    return [release for release in view.releases[:_TARGETS] if release.generation not in there]


async def is_somewhere(image: str, now: float, clients: ReadClients, memory: StorageMemory) -> bool:
    """On the engine, or in its registry; what cannot be asked is taken for there."""
    asked_at, was_there = memory.found.get(image, (-DAY, True))
    if 0 <= now - asked_at < DAY:
        return was_there
    try:
        ref = ImageRef.parse(image)
        there = image in await clients.runtime.images([image]) or await _is_in_registry(ref, clients)
    except (ProviderError, InvalidReference):
        return True
    memory.found[image] = (now, there)
    return there


async def _is_in_registry(ref: ImageRef, clients: ReadClients) -> bool:
    registry = await clients.registry(ref)
    return await registry.digest(ref) is not None

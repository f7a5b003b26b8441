"""One look at an engine: everything read in parallel, and said where something could not be read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from providers.docker import listing, markers, registry, tasks
from providers.docker.disk import free_bytes, platform_of
from providers.docker.engine import Engine, Query
from providers.docker.faults import EngineError, unclear
from providers.docker.images import Images
from providers.docker.live import NetworkNames, live_network, live_volume
from providers.docker.payload import ImageFacts
from providers.docker.strangers import tenants
from providers.docker.traits import traits_of
from providers.docker.translations import Translations
from providers.docker.tree import Node, moment, text, text_map
from reconciler import ownership
from reconciler.joins import name_joins
from reconciler.observed import (
    Instance,
    LiveNetwork,
    LiveVolume,
    Marker,
    Namesake,
    Traits,
    Unreadable,
)
from reconciler.ownership import is_ours
from reconciler.provider import ProviderError, Question, World

INSPECT = 8.0
"""Seconds within which one inspect must be answered, else its service is unreadable."""
PARALLEL = 64
T = TypeVar("T")


@dataclass
class Look:
    """The state of one look while it is taken."""

    engine: Engine
    images: Images
    question: Question
    host: str
    translations: Translations = field(default_factory=Translations)
    at: float = field(default_factory=time.time)
    unreadable: dict[str, str] = field(default_factory=dict)
    ours: set[str] = field(default_factory=set)
    """Ids of containers that are proved to be ours."""
    failure: ProviderError | None = None
    """What the last reading that failed said."""

    async def attempt(self, what: str, reading: Awaitable[T]) -> T | None:
        """What a reading gives; None, and noted under ``what``, when it fails."""
        try:
            return await reading
        except ProviderError as error:
            self.unreadable.setdefault(what, str(error))
            self.failure = error
            return None

    async def listed(self, what: str, path: str, query: Query | None = None) -> list[Node] | None:
        """The objects of a list; None, and noted, when it cannot be read."""
        member = "Volumes" if path == "/volumes" else ""
        return await self.attempt(what, self.engine.read_list(path, query, member))

    async def take(self) -> World:
        """The world. Raises ProviderError when nothing at all can be read."""
        clock, containers, networks, volumes, running = await asyncio.gather(
            self.attempt("engine", self.engine.read("/info")),
            self.listed("instances", "/containers/json", {"all": 1}),
            self.listed("networks", "/networks"),
            self.listed("volumes", "/volumes"),
            self._running(),
        )
        if containers is None and networks is None and volumes is None:
            raise self.failure or unclear(self.engine.where, "no list")
        self.at = moment(clock, "SystemTime") or self.engine.clock() or self.at
        self.host = text(clock, "ID") or self.host
        instances = await self._instances(containers or [], networks)
        self._note_what_follows(containers, networks, volumes)
        return World(
            at=self.at,
            instances=instances,
            networks=self._networks(containers, networks),
            volumes=self._volumes(containers, volumes),
            markers=self._markers(volumes),
            namesakes=self._namesakes(containers, networks, volumes),
            tasks=tasks.find_all(containers or [], self.question.owner, self.host, self.at),
            registry_running=running,
            unreadable=tuple(Unreadable(w, r, self.at) for w, r in sorted(self.unreadable.items())),
            traits=await self._traits(clock),
            ports=listing.foreign_ports(containers or [], frozenset(self.ours)),
            tenants=tenants(containers or [], frozenset(self.ours)),
            engine=text(clock, "ID"),
            free=free_bytes(clock or {}, self.engine.line),
            platform=platform_of(clock or {}),
        )

    async def _traits(self, about: object) -> Traits:
        """What this engine can do, as far as it could be asked."""
        try:
            version = await self.engine.version()
        except ProviderError:
            version = ""
        traits = traits_of(version, about if isinstance(about, dict) else {})
        return replace(traits, reads_only=self.engine.line.reads_only)

    def _note_what_follows(
        self, containers: object | None, networks: object | None, volumes: object | None
    ) -> None:
        """A list that failed leaves open what is known only together with it: who uses a network, whether
        a volume is filled, who holds a name."""
        self.unreadable.pop("engine", None)
        if containers is None:
            reason = self.unreadable["instances"]
            for what in ("networks", "volumes"):
                self.unreadable.setdefault(what, reason)
        if volumes is None:
            self.unreadable["markers"] = self.unreadable["volumes"]
        if None in (containers, networks, volumes):
            self.unreadable["namesakes"] = "not every kind of object could be listed"

    async def _instances(
        self, containers: Sequence[Node], networks: Sequence[Node] | None
    ) -> tuple[Instance, ...]:
        owner = self.question.owner
        claimed = [container for container in containers if listing.is_instance(container, owner)]
        self.ours |= {
            text(c, "Id") for c in containers if c not in claimed and is_ours(text_map(c, "Labels"), owner)
        }
        names = NetworkNames(None if networks is None else {text(n, "Id"): text(n, "Name") for n in networks})
        self.translations.begin(owner, names, {text(container, "Id") for container in claimed})
        limit = asyncio.Semaphore(PARALLEL)
        images = {text(container, "ImageID") for container in claimed}
        facts = asyncio.create_task(self._facts(images, limit))
        found = await asyncio.gather(*(self._inspect(c, facts, limit) for c in claimed))
        await facts
        return name_joins(sorted((i for i in found if i is not None), key=lambda i: (i.name, i.handle)))

    async def _facts(
        self, image_ids: set[str], limit: asyncio.Semaphore
    ) -> dict[str, ImageFacts | ProviderError | None]:
        async def one(image_id: str) -> ImageFacts | ProviderError | None:
            async with limit:
                try:
                    return await self.images.find(image_id)
                except ProviderError as error:
                    return error

        ordered = sorted(image_ids)
        return dict(zip(ordered, await asyncio.gather(*map(one, ordered)), strict=True))

    async def _inspect(
        self,
        listed: Node,
        facts: asyncio.Task[dict[str, ImageFacts | ProviderError | None]],
        limit: asyncio.Semaphore,
    ) -> Instance | None:
        container_id = text(listed, "Id")
        try:
            async with limit:
                answer = await self.engine.fetch(f"/containers/{container_id}/json", deadline=INSPECT)
            image = (await facts)[text(listed, "ImageID")]
            if isinstance(image, ProviderError):
                raise image
            labels = image.labels if image else {}
            owner = self.question.owner
            instance = self.translations.read(owner, self.host, container_id, answer, labels)
        except ProviderError as error:
            if isinstance(error, EngineError) and error.status == 404:
                return None  # it went away between list and inspect
            service_name = text_map(listed, "Labels").get(ownership.SERVICE, "")
            self.unreadable.setdefault(f"service:{service_name}", str(error))
            self.ours.add(container_id)
            return None
        if instance is not None:
            self.ours.add(container_id)
        return instance

    def _networks(
        self, containers: Sequence[Node] | None, networks: Sequence[Node] | None
    ) -> tuple[LiveNetwork, ...]:
        if containers is None or networks is None:
            return ()
        members = listing.members(containers, networks)
        owned = [n for n in networks if is_ours(text_map(n, "Labels"), self.question.owner)]
        found = [live_network(self.host, n, members.get(text(n, "Id"), ())) for n in owned]
        return tuple(sorted(found, key=lambda network: (network.object_name, network.handle)))

    def _volumes(
        self, containers: Sequence[Node] | None, volumes: Sequence[Node] | None
    ) -> tuple[LiveVolume, ...]:
        if containers is None or volumes is None:
            return ()
        owner = self.question.owner
        filling = listing.fillers(containers, owner, self.host)
        owned = [volume for volume in volumes if is_ours(text_map(volume, "Labels"), owner)]
        found = [live_volume(self.host, volume, filling.get(text(volume, "Name"))) for volume in owned]
        kept = (volume for volume in found if volume.role != markers.ROLE)
        return tuple(sorted(kept, key=lambda volume: volume.object_name))

    def _markers(self, volumes: Sequence[Node] | None) -> tuple[Marker, ...]:
        read = (markers.read(self.question.owner, volume) for volume in volumes or ())
        # Older ones that a crash left beside the newest come too: the plan removes them.
        found = (marker for marker in read if marker)
        return tuple(sorted(found, key=lambda m: (m.kind, m.subject, m.sequence)))

    def _namesakes(
        self,
        containers: Sequence[Node] | None,
        networks: Sequence[Node] | None,
        volumes: Sequence[Node] | None,
    ) -> tuple[Namesake, ...]:
        objects: dict[listing.Kind, Sequence[Node]] = {
            "container": containers or (),
            "network": networks or (),
            "volume": volumes or (),
        }
        question = self.question
        return listing.namesakes(question.owner, self.host, question.names, objects, frozenset(self.ours))

    async def _running(self) -> frozenset[str]:
        asked = self.question.registries
        found = await asyncio.gather(*(registry.answers(r.port) for r in asked))
        return frozenset(r.name for r, runs in zip(asked, found, strict=True) if runs)

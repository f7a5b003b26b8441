"""The world behind the engine in memory: its objects, its clock, and the one door for every call."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from providers.memory.behaviour import DEFAULT, Behaviour
from providers.memory.clock import Clock
from providers.memory.container import Container
from providers.memory.errors import gone, not_ours
from providers.memory.faults import Call, Faults
from providers.memory.registry import MemoryRegistry
from providers.memory.ways import Shared
from reconciler.desired import Json
from reconciler.observed import LiveImage, Marker, Unreadable
from reconciler.ownership import OWNER, Owner
from reconciler.provider import FileEntry
from specs.reference import ImageRef

T = TypeVar("T")


@dataclass
class Network:
    """A network; several may bear one name."""

    id: str
    name: str
    labels: dict[str, str]
    created_at: float
    fields: dict[str, Json] = field(default_factory=dict)


@dataclass
class Volume:
    """A volume and its files by path."""

    name: str
    labels: dict[str, str]
    created_at: float
    fields: dict[str, Json] = field(default_factory=dict)
    content: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, FileEntry] = field(default_factory=dict)
    """What was published, by path: modes, owners and links."""
    marker: Marker | None = None
    shared: Shared = field(default_factory=Shared)
    """What proxies keep in it."""


class Ground:
    """Everything that exists on one engine."""

    def __init__(self, host: str, clock: Clock) -> None:
        self.host = host
        self.free: int | None = None
        """Bytes free for images, where a test says so."""
        self.time = clock
        self.faults = Faults()
        self.containers: dict[str, Container] = {}
        self.networks: dict[str, Network] = {}
        self.volumes: dict[str, Volume] = {}
        self.images: set[str] = set()
        """``name@digest`` of the images on the engine."""
        self.behaviours: dict[str, Behaviour] = {}
        self.image_facts: dict[str, LiveImage] = {}
        """Digest -> what an image says of itself."""
        self.registries: dict[str, MemoryRegistry] = {}
        self.local_registries: dict[str, int] = {}
        self.strangers: dict[int, str] = {}
        """Host port -> the process that holds it."""
        self.unreadable: dict[str, Unreadable] = {}
        self.durations: dict[str, float] = {}
        self._born = 0

    @property
    def now(self) -> float:
        return self.time.now

    async def call(self, verb: str, step: str, subject: str, effect: Callable[[], T]) -> T:
        """One effectful call. Others may run before it, and faults and hooks meet it on both sides."""
        await asyncio.sleep(0)
        await self.time.sleep(self.durations.get(f"{verb}.{step}", self.durations.get(verb, 0.0)))
        self.elapse()
        call = Call(verb, step, subject)
        self.faults.cross(call, "before")
        result = effect()
        self.faults.cross(call, "after")
        return result

    def elapse(self) -> None:
        """Let every container live until now."""
        for container in self.containers.values():
            container.elapse(self.now)

    def new_id(self, kind: str) -> str:
        """The next id: 64 hexadecimal digits, the same in every run."""
        self._born += 1
        return hashlib.sha256(f"{kind} {self._born} on {self.host}".encode()).hexdigest()

    def behaviour(self, image: str) -> Behaviour:
        """The behaviour of an image by its digest, its reference, or the default."""
        digest = image.rpartition("@")[2]
        return self.behaviours.get(image) or self.behaviours.get(digest) or DEFAULT

    def facts(self, image: str) -> LiveImage:
        """What an image says of itself."""
        return self.image_facts.get(image.rpartition("@")[2], LiveImage())

    def named(self, name: str) -> Container | None:
        """The container of this name."""
        return next((c for c in self.containers.values() if c.name == name), None)

    def container(self, container_id: str) -> Container:
        """The container of this id. Raises Stale when it is gone."""
        if container_id not in self.containers:
            raise gone("container", container_id[:12])
        return self.containers[container_id]

    def owned(self, owner: Owner, container_id: str) -> Container:
        """The container, after its owner label was read again. Raises Stale when gone or not ours."""
        container = self.container(container_id)
        require_owner(owner, "container", container.name, container.labels)
        return container

    def networks_named(self, name: str) -> list[Network]:
        """All networks of one name, oldest first."""
        return [n for n in self.networks.values() if n.name == name]

    def network(self, name_or_id: str) -> Network | None:
        """A network by id or else by name; None when absent or ambiguous."""
        if name_or_id in self.networks:
            return self.networks[name_or_id]
        named = self.networks_named(name_or_id)
        return named[0] if len(named) == 1 else None

    def members(self, network_id: str) -> list[Container]:
        """Containers of any state that refer to a network."""
        return [c for c in self.containers.values() if network_id in c.networks]

    def consumers(self, volume_name: str) -> list[Container]:
        """Containers of any state that mount a volume."""
        return [c for c in self.containers.values() if volume_name in c.volumes.values()]

    def make_volume(self, name: str, labels: Mapping[str, str], fields: Mapping[str, Json]) -> Volume:
        """Create a volume; one that exists stays as it is, and the answer is the same."""
        made = Volume(name, dict(labels), self.now, dict(fields))
        return self.volumes.setdefault(name, made)


def require_owner(owner: Owner, kind: str, name: str, labels: Mapping[str, str]) -> None:
    """Raises Stale when the object is not this owner's."""
    if labels.get(OWNER) != str(owner):
        raise not_ours(kind, name)


def by_digest(ref: ImageRef) -> str:
    """``name@digest`` of a reference that names a digest. Raises ValueError."""
    if ref.digest is None:
        raise ValueError(f"{ref} names no digest")
    return str(ref.with_digest(ref.digest))

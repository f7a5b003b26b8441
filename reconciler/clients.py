"""Everything outside that a pass talks to: one value, made by the command line, replaced in tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from reconciler.desired import DesiredImage
from reconciler.provider import (
    Builder,
    BuildRequest,
    FileEntry,
    Login,
    Proxies,
    ReadProxies,
    ReadRegistry,
    ReadRuntime,
    Registry,
    Runtime,
)
from specs.reference import ImageRef

OpenRegistry = Callable[[ImageRef], Awaitable[Registry]]
"""The client of the registry that a reference names; one a host, kept open."""
OpenReadRegistry = Callable[[ImageRef], Awaitable[ReadRegistry]]
FindLogin = Callable[[ImageRef], Awaitable[Login | None]]


class Stock(Protocol):
    """The bytes behind the names in a plan: build contexts, files from git, secret values."""

    async def build_request(self, image: DesiredImage, parents: Mapping[str, ImageRef]) -> Prepared:
        """Resolve the bases to digests, once, and write them into the Dockerfile. ``parents`` are the
        images of ours that it builds on, by name and digest. Raises ProviderError or Refused."""
        ...

    async def entries(self, digest: str) -> Sequence[FileEntry]:
        """The files of a Config by content digest. Raises Refused when they are not in this commit."""
        ...

    def secrets(self, names: Sequence[str], digest: str = "") -> Mapping[str, str]:
        """The values of secrets. Raises Refused for one that has none, and when the digest over all of them
        is another than ``digest``, where one is given."""
        ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """A build that can start: the request, and the input document with the bases that were used."""

    request: BuildRequest
    document: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """Where a runtime is. ``name`` and what named it are empty for this machine's usual engine."""

    name: str = ""
    origin: str = ""
    is_remote: bool = False
    """Whether it may be on another machine: its loopback is then not ours."""

    def __str__(self) -> str:
        return f"{self.name} ({self.origin})" if self.name else ""


class ReadClients(Protocol):
    """What a look needs of the providers of one environment: nothing of it changes anything."""

    @property
    def runtime(self) -> ReadRuntime: ...

    @property
    def registry(self) -> OpenReadRegistry: ...

    @property
    def place(self) -> Place: ...

    @property
    def proxies(self) -> ReadProxies | None: ...

    @property
    def ourselves(self) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class Readers:
    """Implements ``ReadClients``, and has nothing else."""

    runtime: ReadRuntime
    registry: OpenReadRegistry
    place: Place = Place()
    proxies: ReadProxies | None = None
    ourselves: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Clients:
    """The providers of one environment."""

    runtime: Runtime
    registry: OpenRegistry
    login: FindLogin
    builder: Builder | None
    stock: Stock
    place: Place = Place()
    proxies: Proxies | None = None
    """What drives the proxies of this runtime; None where routes are not known."""
    ourselves: frozenset[str] = frozenset()
    """What may be the id of the container that this process runs in, whole or its first twelve digits."""

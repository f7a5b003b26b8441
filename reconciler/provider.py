"""The protocols that providers implement, and the errors that they raise.

All that a provider's author reads: what a provider needs of other modules can be imported from here.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from reconciler.actions import Blueprint
from reconciler.building import Builder, BuildRequest, Login, LogLine
from reconciler.changes import Change
from reconciler.contents import Contents, Seen
from reconciler.copying import Moved, Transfer
from reconciler.deeds import Chronicle, Deed
from reconciler.desired import DesiredNetwork, DesiredVolume, Kinship, LocalRegistry
from reconciler.dialogue import CommandLine, Dialogue, LogQuery, LogRecord, Piece, Process, RuntimeFacts, Size
from reconciler.fault import ProviderError, Refused, Stale
from reconciler.observed import (
    Handle,
    Instance,
    LiveImage,
    LiveNetwork,
    LiveTask,
    LiveVolume,
    Marker,
    Namesake,
    Tenant,
    Traits,
    Unreadable,
)
from reconciler.ownership import Owner
from reconciler.proxies import (
    Answer,
    Insides,
    ProbeRequest,
    Proxies,
    ProxyQuestion,
    ProxyWorld,
    ReadProxies,
    RunningProxy,
)
from reconciler.registry import ReadRegistry, Registry
from reconciler.repository import Origin, Repository, Tree, TreeFile
from reconciler.storage import Layer
from reconciler.stranger import Maker, Stranger, Strangers
from reconciler.world import Question, World
from specs.reference import Digest, ImageRef

__all__ = [
    "Answer",
    "Blueprint",
    "BuildRequest",
    "Builder",
    "Change",
    "CommandLine",
    "Deed",
    "DesiredNetwork",
    "DesiredVolume",
    "Digest",
    "FileEntry",
    "Handle",
    "ImageRef",
    "Insides",
    "Instance",
    "Kinship",
    "Layer",
    "LiveImage",
    "LiveNetwork",
    "LiveTask",
    "LiveVolume",
    "LocalRegistry",
    "LogLine",
    "LogQuery",
    "LogRecord",
    "Login",
    "Maker",
    "Marker",
    "Moved",
    "Namesake",
    "Origin",
    "Owner",
    "Piece",
    "ProbeRequest",
    "Process",
    "ProviderError",
    "Proxies",
    "ProxyQuestion",
    "ProxyWorld",
    "Question",
    "ReadProxies",
    "ReadRegistry",
    "ReadRuntime",
    "Refused",
    "Registry",
    "Repository",
    "RunningProxy",
    "Runtime",
    "RuntimeFacts",
    "Seen",
    "Size",
    "Stale",
    "Stranger",
    "Tenant",
    "Traits",
    "Transfer",
    "Tree",
    "TreeFile",
    "Unreadable",
    "World",
]


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file to publish: path relative to the volume's root, permission bits, owner, content.

    A single-file Config has one entry. ``link`` is a symbolic link's target; then ``content`` is empty.
    """

    path: str
    mode: int
    uid: int
    gid: int
    content: bytes = field(repr=False)
    link: str | None = None


class ReadRuntime(Contents, Chronicle, Protocol):
    """What a runtime tells. Every method raises ProviderError and changes nothing."""

    async def observe(self, question: Question) -> World:
        """Look at everything of this owner. Raises ProviderError only when nothing at all can be read."""
        ...

    async def images(self, names: Sequence[str]) -> Mapping[str, LiveImage]:
        """Which of these ``name@digest`` the engine holds."""
        ...

    async def logs(self, handle: Handle, lines: int) -> Sequence[str]:
        """The last lines that an instance wrote, oldest first, without terminal sequences."""
        ...

    def watch(self, owner: Owner) -> AsyncGenerator[None, None]:
        """One item whenever something of this owner may have changed, until the connection ends: hints."""
        ...

    async def close(self) -> None: ...


class Runtime(ReadRuntime, Dialogue, Strangers, Protocol):
    """Runs instances. Every method raises ProviderError, Stale or Refused; creating what exists already
    under the same name and labels is success; a name held by something else is Refused."""

    async def create_network(self, owner: Owner, network: DesiredNetwork) -> None: ...

    async def remove_network(self, owner: Owner, handle: Handle) -> None: ...

    async def create_volume(self, owner: Owner, volume: DesiredVolume) -> None: ...

    async def publish_files(
        self, owner: Owner, volume: str, entries: Sequence[FileEntry], image: str
    ) -> None:
        """Create and fill a volume of role files. ``image`` is any image present on the engine, for the
        never-started container through which the bytes travel."""
        ...

    async def remove_volume(self, owner: Owner, object_name: str) -> None:
        """Remove a volume of role files or secret. Refused for role data."""
        ...

    async def pull(self, ref: ImageRef, login: Login | None) -> None: ...

    async def create_instance(self, blueprint: Blueprint, secrets: Mapping[str, str]) -> None:
        """Create, attach, fill and start. ``secrets`` maps secret names to values."""
        ...

    async def revive_instance(self, owner: Owner, handle: Handle, name: str, restart: str) -> None: ...

    async def retire_instance(self, owner: Owner, handle: Handle, name: str, grace: float) -> None: ...

    async def remove_instance(self, owner: Owner, handle: Handle, grace: float) -> None: ...

    async def mend_instance(self, owner: Owner, handle: Handle, changes: Sequence[Change]) -> None: ...

    async def create_hook(
        self, blueprint: Blueprint, words: Sequence[str], secrets: Mapping[str, str]
    ) -> Handle:
        """Create, attach and fill the container of a hook: of the blueprint's image, files, secrets, networks
        and volumes, with this command; without ports, names in its networks, health check and restarts. It is
        not started, its log is kept, and its role is that in its name. Raises Stale when its name is held."""
        ...

    async def start_hook(self, owner: Owner, handle: Handle) -> None:
        """Start it for the first time. Raises Stale when it is gone, or was started before."""
        ...

    async def put_marker(self, owner: Owner, marker: Marker) -> bool:
        """Write a marker (its ``object_name`` is made by the provider) and read it back; False when another
        writer's marker of the same or a higher sequence number won. Older ones of its kind and subject go."""
        ...

    async def remove_marker(self, owner: Owner, object_name: str) -> None: ...

    async def start_registry(self, registry: LocalRegistry) -> None:
        """Make the project's local registry run and answer on its loopback port."""
        ...

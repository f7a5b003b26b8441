"""Containers of an engine that are not ours, and what taking one over does to it (verb ``adopt``).

``reconciler.provider`` passes this on to a provider's author.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from reconciler.observed import Handle, Phase


class Maker(NamedTuple):
    """Who made a container: a Compose project, and the service in it."""

    project: str
    service_name: str


@dataclass(frozen=True, slots=True)
class Stranger:
    """A container that is nobody's of ours. ``volumes`` maps paths to names of volumes, ``host_mounts`` paths
    to paths of the host; ``grace`` is in seconds."""

    handle: Handle
    name: str
    image: str
    phase: Phase
    restart: str
    origin: Maker | None = None
    networks: tuple[str, ...] = ()
    volumes: Mapping[str, str] = field(default_factory=dict)
    host_mounts: Mapping[str, str] = field(default_factory=dict)
    anonymous: frozenset[str] = frozenset()
    """Paths whose volume nobody gave a name."""
    ports: frozenset[int] = frozenset()
    grace: float = 10.0


class Strangers(Protocol):
    """What a runtime does with containers that are not ours. Nothing but ``adopt`` asks for it, each call for
    one container by its id. Every change raises Refused for a container that has an owner of our kind, Stale
    for one that is gone, ProviderError; what is done already is success."""

    async def strangers(self) -> Sequence[Stranger]:
        """All containers, of any state, that bear no owner label of ours."""
        ...

    async def set_aside(self, handle: Handle, name: str, grace: float) -> None:
        """Restart policy off, rename, stop."""
        ...

    async def bring_back(self, handle: Handle, name: str, restart: str) -> None:
        """Rename, restart policy, start."""
        ...

    async def let_go(self, handle: Handle) -> None:
        """Remove a stopped one; its volumes stay, those without a name too. Gone already is success."""
        ...

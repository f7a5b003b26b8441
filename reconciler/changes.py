"""What can be changed on a live instance without a new process. A closed union."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, TypeAlias

from specs.privilege import Attachment

LIMIT_PATHS: Final = ("deploy.resources.", "memswap_limit", "cpu_shares", "cpuset")
"""Prefixes of the fields that ``SetLimits`` sets."""


@dataclass(frozen=True, slots=True)
class SetLimits:
    """Set the resource limits that the form declares (update)."""

    cpus: float | None
    memory: int | None
    pids: int | None
    memory_reservation: int | None
    memory_and_swap: int | None = None
    cpu_shares: int | None = None
    cpuset: str | None = None


@dataclass(frozen=True, slots=True)
class SetRestart:
    """Set the restart policy in Compose's words."""

    policy: str


@dataclass(frozen=True, slots=True)
class Connect:
    """Attach to a network of ours (by id), or to an external one (by name)."""

    network: str
    aliases: tuple[str, ...]
    place: Attachment = Attachment()
    """Its own addresses there."""
    name: str = field(default="", compare=False)
    """What the specs call it, for people."""


@dataclass(frozen=True, slots=True)
class Disconnect:
    """Detach from a network, by object name or id; by force when the network is gone."""

    network: str


@dataclass(frozen=True, slots=True)
class Rename:
    """Give it the object name back that it should bear."""

    name: str


@dataclass(frozen=True, slots=True)
class Unpause:
    """Let a paused instance run on."""


@dataclass(frozen=True, slots=True)
class Start:
    """Start a stopped instance."""


Change: TypeAlias = SetLimits | SetRestart | Connect | Disconnect | Rename | Unpause | Start

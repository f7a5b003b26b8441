"""What lies in the volume of the proxies, and what is in flight, in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from reconciler.traffic import DesiredProxy

Kind: TypeAlias = Literal["requests", "streams"]


@dataclass
class InFlight:
    """Something that an instance works on, until ``ends_at`` on the engine's clock."""

    short_id: str
    ends_at: float
    kind: Kind = "requests"


@dataclass
class Work:
    """What a proxy does: what it was given, and what somebody changed in it since."""

    given: DesiredProxy
    changed: tuple[str, ...] = ()


@dataclass
class Shared:
    """The volume that all proxies of an environment mount: lost with it, kept through restarts."""

    tables: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ports: dict[str, dict[str, int]] = field(default_factory=dict)
    saved: dict[str, Work] = field(default_factory=dict)
    """By the name of the proxy's service: what one that starts resumes."""

"""What can be done about the way of requests. Part of the union in ``actions``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.desired import Subject
from reconciler.difference import Cause
from reconciler.handle import Handle
from reconciler.traffic import DesiredProxy


@dataclass(frozen=True, slots=True)
class LoadProxy:
    """Give a proxy what it is to do. Connections that are idle may end for it: only other routes or settings
    need it, never a rollout."""

    subject: Subject
    cause: Cause
    handle: Handle
    service_name: str
    """EDGE or INNER."""
    proxy: DesiredProxy


@dataclass(frozen=True, slots=True)
class SwitchRoute:
    """Let the slots of a service's table lead elsewhere, all at once."""

    subject: Subject
    cause: Cause
    service_name: str
    slots: tuple[str, ...]
    """Short ids; empty: requests get the answer for maintenance."""
    interrupts: float | None = None
    """Longest interruption in seconds, when nobody serves until something new does."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Short id -> object name of the instance."""
    ports: Mapping[str, int] = field(default_factory=dict)
    """Short id -> the port that the instance listens on."""

"""What a pass asks of a runtime, and what one look at it gives: the values of ``Runtime.observe``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.desired import LocalRegistry
from reconciler.observed import (
    Instance,
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


@dataclass(frozen=True, slots=True)
class Question:
    """What a pass wants to know of a runtime."""

    owner: Owner
    names: tuple[str, ...] = ()
    """Object names that we are about to use: who holds them?"""
    registries: tuple[LocalRegistry, ...] = ()


@dataclass(frozen=True, slots=True)
class World:
    """One look at a runtime; the runtime's part of ``Observed``. Parts that could not be read are named
    in ``unreadable`` and are then empty; an empty part without such an entry is truly empty."""

    at: float
    instances: tuple[Instance, ...] = ()
    networks: tuple[LiveNetwork, ...] = ()
    volumes: tuple[LiveVolume, ...] = ()
    markers: tuple[Marker, ...] = ()
    namesakes: tuple[Namesake, ...] = ()
    tasks: tuple[LiveTask, ...] = ()
    registry_running: frozenset[str] = frozenset()
    unreadable: tuple[Unreadable, ...] = ()
    traits: Traits = Traits()
    ports: Mapping[int, str] = field(default_factory=dict)
    tenants: frozenset[Tenant] = frozenset()
    engine: str = ""
    """The engine's own id, whatever way it was reached; empty where it was not told."""
    free: int | None = None
    """Bytes free where it keeps images; None where that cannot be told."""
    platform: str = ""
    """What it runs, such as ``linux/amd64``; empty where it was not told."""

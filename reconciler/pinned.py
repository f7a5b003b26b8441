"""What an environment that follows another knows beyond the services that it has pins of: frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.pin_claim import RemovalClaim


@dataclass(frozen=True, slots=True)
class Barrier:
    """Why the pin of a service cannot be followed, and what to do: its instances are left as they are."""

    code: str
    reason: str
    remedy: str
    is_unknown: bool = False
    """This clone cannot tell."""


@dataclass(frozen=True, slots=True)
class Following:
    """What an environment that follows another knows beyond the services that it has pins of."""

    source: str
    """The environment that it follows."""
    unpromoted: frozenset[str] = frozenset()
    """Chosen, and without a pin."""
    removed: frozenset[str] = frozenset()
    """Taken away by a promotion: of what has no pin, these alone are pruned."""
    barred: Mapping[str, Barrier] = field(default_factory=dict)
    leaving: Mapping[str, RemovalClaim] = field(default_factory=dict)
    """What those that are removed, and run still, have to pass before they go."""

"""How a provider finds a live object again. A value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Handle:
    """How a provider finds a live object again: by id, never by name."""

    host: str
    id: str

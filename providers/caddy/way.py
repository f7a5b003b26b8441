"""A way into a proxy: what both ways can do, and what they bring back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from providers.caddy.tables import Table
from reconciler.desired import Json

AT_ONCE = 50
"""Instances that are asked at once."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One probe: the address in a proxy's eyes, the Host and the path that are asked for. ``path`` is empty
    where it is only asked whether anything listens."""

    dial: str
    host: str
    path: str
    timeout: float


@dataclass(frozen=True, slots=True)
class Look:
    """What a proxy said of itself. ``config`` is None when nothing is loaded, or what is loaded lets nothing
    be read; ``counts`` is None when they could not be read."""

    config: Json
    counts: Json


class Way(Protocol):
    """A way into one proxy. Methods raise ProviderError or Refused."""

    async def look(self) -> Look:
        """Configuration and counts."""
        ...

    async def tables(self) -> Mapping[str, Table]:
        """The tables that there are."""
        ...

    async def probe(self, asked: Sequence[Asked]) -> Sequence[str]:
        """What each instance answered, as the door says it; all at once."""
        ...

    async def load(self, config: bytes, hidden: Mapping[str, str]) -> None:
        """Give it a configuration. ``hidden``: values that no message may repeat."""
        ...

    async def turn(self, service_name: str, folder: str, files: Mapping[str, str]) -> Table:
        """Write a table and turn the service to it; the table that is in force then."""
        ...

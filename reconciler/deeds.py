"""What was done to objects of an environment, as the runtime tells it: facts of its own events, no guess."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from reconciler.ownership import Owner


@dataclass(frozen=True, slots=True)
class Deed:
    """One event. ``action`` is the runtime's own word (``container update``), ``facts`` what it says besides,
    by name: a signal, an exit code, the name before, the network, the program that was executed, and the
    tool whose labels the container bears. ``at`` is in seconds on the runtime's clock."""

    at: float
    action: str
    container: str
    """Its id."""
    name: str = ""
    """Its name then; empty where the event does not tell."""
    service_name: str = ""
    """The service that its labels name; empty where the event does not tell."""
    facts: tuple[tuple[str, str], ...] = ()


class Chronicle(Protocol):
    """What a runtime remembers of the past."""

    async def deeds(self, owner: Owner, begin: float, end: float) -> Sequence[Deed]:
        """What was done between two times on the runtime's clock, oldest first, as far as it remembers; it
        may be nothing. Raises ProviderError."""
        ...

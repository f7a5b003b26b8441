"""Marker ``loop`` as it is read: who keeps an environment, and what it settled on. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.observed import Observed
from reconciler.strict_json import read_number, read_object
from reconciler.view import newest_markers

KIND = "loop"
ALIVE = 600.0
"""Seconds after which a loop that was not heard of counts as gone (contracts, section 2)."""


@dataclass(frozen=True, slots=True)
class LivingLoop:
    """A loop as its marker tells. ``at`` and ``settled_at`` are seconds on the runtime's clock."""

    by: str
    at: float
    commit: str | None
    settled_at: float | None


def read_loop(observed: Observed) -> LivingLoop | None:
    """The loop that keeps this environment; None when there is none, or it was not heard of for ten
    minutes."""
    marker = newest_markers(observed.markers).get((KIND, ""))
    if marker is None:
        return None
    try:
        value = read_object(marker.value)
        settled = value.get("settled_at")
        commit = value.get("commit")
        found = LivingLoop(
            str(value["by"]),
            read_number(value["at"]),
            str(commit) if commit else None,
            None if settled is None else read_number(settled),
        )
    except (ValueError, KeyError):
        return None
    return None if observed.at - found.at > ALIVE else found

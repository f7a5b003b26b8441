"""Marker ``loop`` as it is read: who keeps an environment, and what it settled on. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

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
    keeps: str | None = None
    """The commit that it is at work on, settled or not."""
    pending: str | None = None
    """A newer commit that waits for ``apply``."""
    promotion: str | None = None
    """Why a promotion into it waits."""
    trigger: str | None = None
    """What brought that commit: poll, or a webhook or push with its run id."""
    result: str | None = None
    """How it last came to rest."""
    unstable: Mapping[str, str] = field(default_factory=dict)
    """Services that somebody else keeps changing, with both sides in words."""


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
        keeps, pending, unstable = (value.get(name) for name in ("keeps", "pending", "unstable"))
        promotion, trigger, result = (value.get(name) for name in ("promotion", "trigger", "result"))
        found = LivingLoop(
            str(value["by"]),
            read_number(value["at"]),
            str(commit) if commit else None,
            None if settled is None else read_number(settled),
            str(keeps) if keeps else None,
            str(pending) if pending else None,
            str(promotion) if promotion else None,
            str(trigger) if trigger else None,
            str(result) if result else None,
            {k: str(v) for k, v in unstable.items()} if isinstance(unstable, dict) else {},
        )
    except (ValueError, KeyError):
        return None
    return None if observed.at - found.at > ALIVE else found

"""Since when what drifted differs: asks the runtime what it remembers, and this machine's journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from reconciler.deeds import Chronicle
from reconciler.desired import Desired, Json
from reconciler.drift import ServiceDrift
from reconciler.drift_since import dated
from reconciler.journal import Journal
from reconciler.observed import Observed
from reconciler.provider import ProviderError

_WINDOW: Final = 7 * 86_400.0
"""Seconds before now in which deeds are asked for."""
_SECOND: Final = 1.0
"""A journal's times are in whole seconds: what ends within one is not told from what begins in it."""


async def find_beginnings(
    chronicle: Chronicle, desired: Desired, observed: Observed, drifts: tuple[ServiceDrift, ...]
) -> tuple[ServiceDrift, ...]:
    """The drifts with what is known of their beginning. Nothing is asked where nothing drifted, and nothing
    fails: what cannot be read is not known."""
    if all(drift.result != "drifted" for drift in drifts):
        return drifts
    try:
        deeds = await chronicle.deeds(desired.owner, observed.at - _WINDOW, observed.at)
    except ProviderError:
        deeds = ()
    good_at = last_good(Journal.of(desired.owner).newest(), observed.at) if desired.policy.heal else None
    return dated(drifts, desired, observed, deeds, good_at)


def last_good(entries: Iterable[Mapping[str, Json]], now: float) -> float | None:
    """When a pass of ours last ended with nothing left to heal, as far as the journal tells: the end of that
    second. A time that is yet to come is of a clock that does not agree with the runtime's."""
    for entry in entries:
        if entry.get("result") == "settled":
            try:
                found = datetime.fromisoformat(str(entry.get("at"))).timestamp() + _SECOND
            except ValueError:
                return None
            return found if found <= now else None
    return None

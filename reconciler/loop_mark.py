"""Marker ``loop`` as it is written: by the process that keeps an environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from reconciler.actions import Action
from reconciler.desired import Desired
from reconciler.flapping import heals_of, is_unstable, unstable_words
from reconciler.lease import is_dead, process_name
from reconciler.loop_seen import KIND, LivingLoop, read_loop
from reconciler.observed import Marker, Observed
from reconciler.ownership import Owner
from reconciler.provider import Runtime
from reconciler.render_mask import mask_action
from reconciler.view import newest_markers

RENEW = 300.0
SOON = 60.0
MOST_WORDS = 500
MOST_SERVICES = 50


@dataclass(frozen=True, slots=True)
class Standing:
    """What a loop tells of itself: the commit that it settled on, the one that it keeps, one that waits for
    ``apply``, why a promotion waits, and the services that it fights for, with both sides in words free of
    secrets."""

    settled: str | None
    keeps: str | None
    unstable: Mapping[str, str] = field(default_factory=dict)
    pending: str | None = None
    promotion: str | None = None


def living_loop(observed: Observed) -> LivingLoop | None:
    """As ``read_loop``; None also when its process on this machine is gone."""
    found = read_loop(observed)
    return None if found is None or is_dead(found.by) else found


@dataclass(slots=True)
class LoopMark:
    """Writes the marker of this process."""

    owner: Owner
    runtime: Runtime
    by: str = field(default_factory=process_name)
    pending: str | None = None
    """A newer commit that waits for ``apply``."""
    promotion: str | None = None
    """Why a promotion waits, free of secrets."""
    last: tuple[str, str] | None = None
    """What brought the commit that is kept, and how it last came to rest."""
    _last_written: tuple[str, str] | None = None
    _written_at: float | None = None
    _settled_at: float | None = None
    _written: Standing | None = None
    _commit: str | None = None

    async def renew(self, observed: Observed, standing: Standing) -> None:
        """Write it when it is five minutes old or tells something else. Raises ProviderError."""
        earlier = newest_markers(observed.markers).get((KIND, ""))
        was_swept = earlier is None and not observed.cannot_read("markers")
        is_news = standing.settled is not None and standing.settled != self._commit
        if is_news:
            self._settled_at = observed.at
        elif not was_swept and not self._is_due(observed.at, standing):
            return
        self._commit = standing.settled or self._commit
        value = {
            "by": self.by,
            "engine": observed.engine or None,
            "at": observed.at,
            "commit": self._commit,
            "settled_at": self._settled_at,
            "keeps": standing.keeps,
            "pending": self.pending,
            "promotion": self.promotion[:MOST_WORDS] if self.promotion is not None else None,
            "unstable": dict(standing.unstable),
            "trigger": self.last[0] if self.last is not None else None,
            "result": self.last[1] if self.last is not None else None,
        }
        sequence = earlier.sequence + 1 if earlier else 1
        marker = Marker(KIND, "", sequence, json.dumps(value, sort_keys=True))
        if await self.runtime.put_marker(self.owner, marker):
            self._written_at = observed.at
            self._written = replace(standing, pending=self.pending, promotion=self.promotion)
            self._last_written = self.last

    def _is_due(self, now: float, standing: Standing) -> bool:
        before = self._written
        if before is None or self._written_at is None or now - self._written_at >= RENEW:
            return True
        told = (before.keeps, before.pending, before.promotion, self._last_written)
        if told != (standing.keeps, self.pending, self.promotion, self.last):
            return True
        if before.unstable.keys() != standing.unstable.keys():
            return True
        # How often something was healed changes with each time: told once in a while.
        return before.unstable != standing.unstable and now - self._written_at >= SOON


def stand(
    desired: Desired, observed: Observed, settled: str | None, last_heals: Mapping[str, Action]
) -> Standing:
    """What there is to tell: ``last_heals`` is the last action that healed each service."""
    unstable: dict[str, str] = {}
    for service_name, action in sorted(last_heals.items()):
        if is_unstable(observed.healed, service_name, observed.at):
            cause = mask_action(action, desired, observed).cause
            times = heals_of(observed.healed, service_name, observed.at)
            unstable[service_name] = unstable_words(times, cause)[:MOST_WORDS]
    return Standing(settled, desired.commit, dict(sorted(unstable.items())[:MOST_SERVICES]))

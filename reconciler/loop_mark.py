"""Marker ``loop`` as it is written: by the process that keeps an environment."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from reconciler.lease import is_dead, process_name
from reconciler.loop_seen import KIND, LivingLoop, read_loop
from reconciler.observed import Marker, Observed
from reconciler.ownership import Owner
from reconciler.provider import Runtime
from reconciler.view import newest_markers

RENEW = 300.0


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
    _written_at: float | None = None
    _commit: str | None = None
    _settled_at: float | None = None

    async def renew(self, observed: Observed, settled_commit: str | None) -> None:
        """Write it when it is five minutes old or tells another commit. Raises ProviderError."""
        if settled_commit is not None and settled_commit != self._commit:
            self._settled_at = observed.at
        elif self._written_at is not None and observed.at - self._written_at < RENEW:
            return
        self._commit = settled_commit or self._commit
        earlier = newest_markers(observed.markers).get((KIND, ""))
        value = {
            "by": self.by,
            "at": observed.at,
            "commit": self._commit,
            "settled_at": self._settled_at,
        }
        sequence = earlier.sequence + 1 if earlier else 1
        marker = Marker(KIND, "", sequence, json.dumps(value, sort_keys=True))
        if await self.runtime.put_marker(self.owner, marker):
            self._written_at = observed.at

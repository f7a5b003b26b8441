"""What one commit says of one environment, with the clients that hold its bytes."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from reconciler.clients import Clients
from reconciler.desired import Desired
from reconciler.loop import Meet


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one commit says of one environment, and the clients that hold its bytes. ``close`` is called when
    nothing of it is in flight any more; the runtime is the keeper's own and stays open."""

    desired: Desired
    clients: Clients
    meet: Meet | None = None
    close: Callable[[], Awaitable[None]] | None = None
    trigger: str = "poll"
    """What brought it: poll, or a webhook and its run id."""
    pending: str | None = None
    """A newer commit that waits for ``apply``."""
    read_at: float = field(default_factory=time.monotonic)


def observed_only(snapshot: Snapshot) -> Snapshot:
    """The same, of which drift is told and not healed."""
    desired = snapshot.desired
    return replace(snapshot, desired=replace(desired, policy=replace(desired.policy, heal=False)))

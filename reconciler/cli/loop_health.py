"""Whether a loop is well: what it watches of itself, and what it says when asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from reconciler.cli.loop_source import RepositoryWatch
from reconciler.desired import Json
from reconciler.keeper import Keeper
from reconciler.ownership import Owner

STALE: Final = 300.0
"""Seconds without a complete look, beyond the usual pause, after which an environment counts as ill."""
STUCK: Final = 300.0
"""Seconds after which a pass that has not ended is stuck: every call in it has a shorter deadline."""
FAULTY: Final = 120.0
"""Seconds for which a fault of ours counts, unless the environment was seen whole since."""
LAG: Final = 5.0
"""Seconds by which the event loop may be late."""
BEAT: Final = 1.0


@dataclass(slots=True)
class Fault:
    """Something of ours crashed and was begun again; ``at`` by the event loop's clock."""

    times: int
    at: float


@dataclass(slots=True)
class Health:
    """What a loop watches of itself."""

    faults: dict[str, Fault] = field(default_factory=dict)
    """By the name of the work."""
    failures: Counter[str] = field(default_factory=Counter)
    """How often a repository could not be asked for news."""
    reloads: Counter[str] = field(default_factory=Counter)
    """The Run file read again: taken, or refused."""
    is_refused: bool = False
    """The Run file as it stands was not taken; what was read before counts."""
    lag: float = 0.0
    """Seconds by which the event loop was late, at its worst of the last minute."""

    def crashed(self, name: str, now: float) -> None:
        """A fault of ours ended this work; it is begun again."""
        earlier = self.faults.get(name)
        self.faults[name] = Fault(earlier.times + 1 if earlier else 1, now)

    def beat(self, late: float) -> None:
        """The event loop turned, so many seconds late. What was bad is forgotten within a minute."""
        self.lag = max(late, self.lag * 0.9)


@dataclass(frozen=True, slots=True)
class Found:
    """What is ill, by what it is about, in words."""

    ill: Mapping[str, str]

    @property
    def is_well(self) -> bool:
        """Nothing is ill."""
        return not self.ill

    def tell(self) -> dict[str, Json]:
        """As JSON."""
        reasons: dict[str, Json] = dict(self.ill)
        return {"ill": [*sorted(self.ill)], "reasons": reasons}


def health_of(keepers: Mapping[Owner, Keeper], health: Health, now: float) -> Found:
    """What is ill ``now``, by the event loop's clock."""
    ill: dict[str, str] = {}
    for owner, keeper in keepers.items():
        words = _ill(keeper, now)
        if words is not None:
            ill[str(owner)] = words
    looks = {f"environment {owner}": keeper.looked_at for owner, keeper in keepers.items()}
    for name, fault in health.faults.items():
        looked_at = looks.get(name)
        is_over = now - fault.at > FAULTY or (looked_at is not None and looked_at > fault.at)
        if not is_over:
            ill[name] = (
                f"a fault of ours, {fault.times} times so far, {now - fault.at:.0f} s ago: see the log"
            )
    if health.lag > LAG:
        ill["event loop"] = f"it was late by {health.lag:.1f} s"
    return Found(ill)


def _ill(keeper: Keeper, now: float) -> str | None:
    if is_stuck(keeper, now):
        return "a pass does not end"
    seen_at = keeper.looked_at if keeper.looked_at is not None else keeper.made_at
    if now - seen_at > STALE + keeper.resync:
        return f"not seen whole for {now - seen_at:.0f} s"
    return None


def is_stuck(keeper: Keeper, now: float) -> bool:
    """Whether a pass of it has not ended for long."""
    return keeper.pass_began is not None and now - keeper.pass_began > STUCK


def unread(watches: Mapping[str, RepositoryWatch]) -> list[Json]:
    """Repositories that were not read yet."""
    return [name for name, watch in watches.items() if not watch.was_read]


def unreachable(watches: Mapping[str, RepositoryWatch]) -> list[Json]:
    """Repositories that gave no answer when they were last asked: to be known, and not ours to mend."""
    return [name for name, watch in watches.items() if watch.failures]

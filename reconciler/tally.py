"""What a keeper has done, counted."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from reconciler.flapping import is_unstable
from reconciler.loop import PassReport
from reconciler.render_action import verb_of
from reconciler.reported_drift import reported

PASSES: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Bounds of the seconds of a pass."""
ROLLOUTS: Final = (0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0)
"""Bounds of the seconds from a commit to its rest, and of an action."""


@dataclass(slots=True)
class Histogram:
    """How often something took how long. ``counts`` has one number more than there are bounds: of what was
    longer than all of them."""

    bounds: tuple[float, ...]
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = self.counts or [0] * (len(self.bounds) + 1)

    def count(self, seconds: float) -> None:
        """One more."""
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.total += seconds


@dataclass(slots=True)
class Tally:
    """What a keeper has done since the process began, for metrics. Seconds."""

    passes: Histogram = field(default_factory=lambda: Histogram(PASSES))
    actions: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By verb and result."""
    action_seconds: Histogram = field(default_factory=lambda: Histogram(ROLLOUTS))
    drift: int = 0
    """Actions against drift."""
    reported: int = 0
    """Objects that drift now and are left so."""
    unstable: int = 0
    """Services that somebody else keeps changing."""
    hints: int = 0
    """How often something may have happened."""
    failed_looks: int = 0
    """Passes in which something could not be read."""
    settled: Histogram = field(default_factory=lambda: Histogram(ROLLOUTS))
    """From reading a commit to its first settled rest."""
    commit_to_settled: float | None = None
    """The newest of those."""

    def count(self, report: PassReport, seconds: float) -> None:
        """One pass."""
        self.passes.count(seconds)
        observed, healed = report.observed, report.observed.healed
        self.reported = len(reported(report.plan))
        contested = {subject.name for subject in healed}
        self.unstable = sum(is_unstable(healed, name, observed.at) for name in contested)
        self.failed_looks += bool(report.observed.unreadable)
        for outcome in report.outcomes:
            self.actions[verb_of(outcome.action), outcome.result] += 1
            self.action_seconds.count(outcome.duration)
            self.drift += outcome.action.cause.type == "drift"

    def settle(self, seconds: float) -> None:
        """A commit came to rest, and is settled."""
        self.commit_to_settled = seconds
        self.settled.count(seconds)

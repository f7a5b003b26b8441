"""What a keeper has done, counted."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.loop import PassReport


@dataclass(slots=True)
class Tally:
    """What a keeper has done since the process began, for metrics. Seconds."""

    passes: int = 0
    seconds: float = 0.0
    actions: dict[str, int] = field(default_factory=dict)
    """By result."""
    drift: int = 0
    commit_to_settled: float | None = None

    def count(self, report: PassReport, seconds: float) -> None:
        """One pass."""
        self.passes += 1
        self.seconds += seconds
        for outcome in report.outcomes:
            self.actions[outcome.result] = self.actions.get(outcome.result, 0) + 1
            self.drift += outcome.action.cause.type == "drift"

"""What a keeper tells: passes, rests, and what could not be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.decision import Outcome, Plan
from reconciler.desired import Desired
from reconciler.execute import Progress
from reconciler.loop import PassReport, Result
from reconciler.observed import Observed
from reconciler.provider import ProviderError


@dataclass(frozen=True, slots=True)
class Rest:
    """An environment came to rest: nothing is left that we or time will end. ``outcomes`` are all since the
    rest before; ``duration`` is seconds since the first pass of this stretch."""

    result: Result
    desired: Desired
    observed: Observed
    plan: Plan
    outcomes: tuple[Outcome, ...]
    passes: int
    duration: float
    trigger: str = "poll"


@dataclass(frozen=True, slots=True)
class Heard:
    """Where the keeper tells what happens. None of these may raise."""

    begun: Callable[[Desired, str], None] = lambda desired, trigger: None
    """Another commit is kept from now on, because of this trigger."""
    passed: Callable[[Desired, PassReport, float], None] = lambda desired, report, seconds: None
    rested: Callable[[Rest], None] = lambda rest: None
    failed: Callable[[ProviderError], None] = lambda error: None
    progress: Progress = lambda subject, line: None

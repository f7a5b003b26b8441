"""How long a rollout waits where its service does not say: derived from the health check. Pure; seconds.

What is written counts, always. What is not is long enough to see health fail, and no longer than that takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from specs.service import Service

READY: Final = 120.0
"""An instance gets at least so long to be ready."""
WATCHED: Final = 10.0
"""A generation is watched for at least so long."""
WATCHED_AT_MOST: Final = 600.0
"""A check that is asked once an hour is not waited for."""
STUCK: Final = 600.0
"""A rollout gets at least so long for one step."""
_OFF: Final = ((), ("NONE",))


@dataclass(frozen=True, slots=True)
class HealthTimes:
    """The pace of a health check, with the engine's own defaults where nothing is said."""

    interval: float = 30.0
    timeout: float = 30.0
    retries: int = 3
    start_period: float = 0.0

    @property
    def to_fail(self) -> float:
        """From the last success until the engine says unhealthy, when each further probe fails at once."""
        return self.interval * self.retries


def health_times(service: Service) -> HealthTimes | None:
    """The pace of the check that a service declares; None where it declares none. The image may bring one:
    what really runs is told by the instance."""
    check = service.healthcheck
    if check is None or check.disable or (check.test is not None and tuple(check.test) in _OFF):
        return None
    usual = HealthTimes()
    return HealthTimes(
        check.interval or usual.interval,
        check.timeout or usual.timeout,
        check.retries or usual.retries,
        check.start_period or 0.0,
    )


def deadline_of(service: Service, seen: HealthTimes | None = None) -> float:
    """Time within which an instance must be ready: what is said, else at least what the engine itself
    takes to say that it is not. ``seen``: the check of a live instance."""
    said = service.rollout.deadline
    if said is not None:
        return said
    check = seen or health_times(service)
    return READY if check is None else max(READY, check.start_period + check.to_fail + check.timeout)


def monitor_of(service: Service, seen: HealthTimes | None = None) -> float:
    """Time for which a new generation that is ready is watched: what is said, else until a failing check
    would have been seen. The start period is not in it: for the engine it ends with the first success."""
    said = service.rollout.monitor
    if said is not None:
        return said
    check = seen or health_times(service)
    if check is None:
        return WATCHED
    return min(WATCHED_AT_MOST, max(WATCHED, check.to_fail + check.timeout))


def quickest_proof(service: Service, seen: HealthTimes | None = None) -> float:
    """The part of ``monitor_of`` after which a probe that still succeeds is proof enough: the rest is
    only for probes that hang. All of it where the time is said, or where nothing is probed."""
    check = seen or health_times(service)
    if service.rollout.monitor is not None or check is None:
        return monitor_of(service, seen)
    return min(WATCHED_AT_MOST, max(WATCHED, check.to_fail))


def progress_of(service: Service) -> float:
    """Time without any step after which a rollout is told to be stuck."""
    said = service.rollout.progress
    if said is not None:
        return said
    rollout = service.rollout
    slowest = max(deadline_of(service), monitor_of(service), rollout.drain, rollout.drain_streams)
    return max(STUCK, 2 * slowest)

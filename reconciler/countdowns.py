"""The four timers of a rollout: what each counts down to. Pure.

Everything is counted from what the engine remembers, so a restart of ours begins none of them anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.decision import Ender, Wait
from reconciler.desired import DesiredService
from reconciler.observed import Health, Instance
from reconciler.readiness import began_at, serves
from reconciler.render import format_duration
from reconciler.view import ServiceView
from specs.rollout_times import deadline_of, progress_of

DRAIN = "drain"
"""What a Wait expects that ends when nothing is in flight any more."""
_STILL = frozenset({"ready", ""})
"""What is expected by Waits that no timer but this one ends."""


@dataclass(frozen=True, slots=True)
class Countdowns:
    """Seconds until something is decided; None where nothing counts down."""

    ready: float | None = None
    """Until the next instance that is not ready has failed for it."""
    progress: float | None = None
    """Until a rollout without any step is told to be stuck."""
    drain: float | None = None
    """Until an old instance is stopped, whatever is still in flight to it."""
    monitor: float | None = None
    """Until the new generation counts as proved."""


def count_down(
    service: DesiredService | None, view: ServiceView, waits: Iterable[Wait], now: float
) -> Countdowns:
    """The timers of one service that run now. ``waits`` are those about it."""
    timed = [w for w in waits if w.ender is Ender.TIME]
    if service is None or not timed:
        return Countdowns()
    pending = [i for i in view.live if i.health is Health.STARTING or not serves(i)]
    spec = service.form.spec
    ends = [began_at(i) + deadline_of(spec, i.check) for i in pending]
    stuck = stuck_at(service, view) if _is_still(timed) else None
    return Countdowns(
        ready=max(0.0, min(ends) - now) if ends else None,
        progress=max(0.0, stuck - now) if stuck is not None else None,
        drain=_remaining(timed, DRAIN, now),
        monitor=_remaining(timed, "proved", now),
    )


def _is_still(timed: Iterable[Wait]) -> bool:
    """Something is waited for, and no timer of its own ends any of it."""
    expected = {wait.expects for wait in timed}
    return bool(expected) and expected <= _STILL


def _remaining(timed: Iterable[Wait], fact: str, now: float) -> float | None:
    times = [w.recheck_at for w in timed if w.expects == fact and w.recheck_at is not None]
    return max(0.0, min(times) - now) if times else None


def stuck_at(service: DesiredService, view: ServiceView) -> float | None:
    """When the rollout under way is told to be stuck: so long after its newest step. None where no generation
    is on its way to be proved, or nothing of it was made yet (then its pull or build has a deadline)."""
    proved = {release.generation for release in view.releases}
    young = [i for i in view.live if i.generation not in proved]
    if not young:
        return None
    steps = [at for i in young for at in _steps(i)]
    # What was retired in its favour is a step of it, too; what was kept before ended before.
    steps += [i.finished_at for i in view.kept if i.finished_at is not None]
    return max(steps) + progress_of(service.form.spec)


def _steps(instance: Instance) -> list[float]:
    known = (instance.created_at, instance.started_at, instance.healthy_since)
    return [at for at in known if at is not None]


def stuck_words(
    service: DesiredService | None, view: ServiceView, waits: Iterable[Wait], now: float
) -> str | None:
    """Why a rollout that only waits is told to be stuck; None while it is not. A loop that was away has
    steps to take when it comes back: only what waits although we are here is stuck."""
    timed = [w for w in waits if w.ender is Ender.TIME]
    at = stuck_at(service, view) if service is not None else None
    if service is None or at is None or now < at or not _is_still(timed):
        return None
    still = now - at + progress_of(service.form.spec)
    return f"no step of the rollout for {format_duration(still)}: {timed[0].reason}"

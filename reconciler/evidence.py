"""What is known of a generation that failed: why, how its last instance ended, what it wrote. Pure.

All of it is read from the held instance, so it is the same an hour later and in another process; the process
that asked it through a proxy knows what it answered, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from reconciler.decision import Block
from reconciler.observed import Health, Instance, Observed
from reconciler.ownership import Role
from reconciler.readiness import IMAGE_FAULTS, LAST_EXIT, began_at, exit_words
from reconciler.view import group
from specs.rollout_times import deadline_of
from specs.service import Service

LINES: Final = 8
"""Last lines of a failed instance that are shown."""
HOOK_CODES: Final = ("PLAN024", "PLAN025")
"""Codes of holds for which a hook is the reason."""
_STOPPED: Final = (0, 137, 143)
"""Exit codes that our own stop may have given it: they say nothing of why it failed."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a failed instance left. ``log`` and ``health`` are for a terminal and for readers of logs alone.
    ``exit_code`` is its own: None where it was stopped by us, or never ran."""

    instance: str
    """Its object name."""
    reason: str | None
    exit_code: int | None = None
    out_of_memory: bool = False
    error: str = ""
    health: Sequence[str] = ()
    """The last output of its health check, where that failed."""
    log: Sequence[str] = ()

    def with_output(self, log: Sequence[str], mask: Callable[[str], str]) -> Evidence:
        """The same with its last lines; ``mask`` takes the secrets out of all that it wrote."""
        health = tuple(mask(line) for line in self.health)
        return replace(self, health=health, log=tuple(mask(line) for line in log[-LINES:]))

    def without_output(self, why: str) -> Evidence:
        """The same without anything that it wrote."""
        return replace(self, health=(), log=(why,))


def evidence_of(instance: Instance, service: Service | None) -> Evidence:
    """What a held instance tells. ``service``: the spec that it was made from, where known."""
    return Evidence(
        instance=instance.name,
        reason=why_held(instance, service),
        exit_code=_own_exit_code(instance),
        out_of_memory=instance.out_of_memory,
        error=instance.error,
        health=_failed_check(instance),
    )


def held_instances(blocks: Iterable[Block], observed: Observed) -> Mapping[str, Instance]:
    """Service name -> the newest instance that holds it, of those that are told to be held; where a hook
    does, the container that ran it."""
    views = group(observed)
    codes = {block.subject.name: block.code for block in blocks if block.held}
    views_of = {name: views.of(name) for name in sorted(codes)}
    left = {n: v.hooks if codes[n] in HOOK_CODES else v.held for n, v in views_of.items()}
    return {name: instances[-1] for name, instances in left.items() if instances}


def is_held_name(object_name: str) -> bool:
    """Whether an instance of this name is the memory of a failure."""
    return object_name.endswith(f"_{Role.HELD.value}")


def why_held(instance: Instance, service: Service | None) -> str | None:
    """Why it is held, in words free of what it wrote; None where nothing of it tells."""
    if instance.error:
        return "it cannot be started"
    if instance.exit_code in IMAGE_FAULTS:
        return f"its command cannot be run (exit code {instance.exit_code})"
    if instance.out_of_memory:
        return exit_words(instance)
    # The stop that ended it is an exit, too: of one that the engine had started again, one more than its own.
    if instance.exits > LAST_EXIT:
        code = _own_exit_code(instance)
        last = f"; the last exit code was {code}" if code is not None else ""
        return f"it exited {instance.exits - 1} times{last}"
    is_job = instance.role.is_hook or (service is not None and service.is_job)
    if is_job and _own_exit_code(instance) is not None:
        return exit_words(instance)
    if _has_failing_check(instance):
        return "its health check failed"
    return _unanswered(instance, service) or _late(instance, service)


def _unanswered(instance: Instance, service: Service | None) -> str | None:
    """What the process knows that asked it; another one can only conclude that it did not answer any more."""
    if instance.probe is not None and instance.probe.failed:
        return f"it does not answer any more: {instance.probe.failed}"
    is_early = service is not None and instance.finished_at is not None and not _is_late(instance, service)
    is_routed = service is not None and service.route is not None and instance.started_at is not None
    return "it did not answer any more" if is_early and is_routed and instance.probe is None else None


def _late(instance: Instance, service: Service | None) -> str | None:
    if service is None or instance.finished_at is None or service.is_job or not _is_late(instance, service):
        return None
    said = f": {instance.probe.said}" if instance.probe is not None and instance.probe.said else ""
    # A monitor window may be longer than the deadline.
    is_unknown = service.route is not None and instance.probe is None
    later = ", or did not answer any more later" if is_unknown else ""
    return f"it was not ready within {deadline_of(service, instance.check):g} s{said}{later}"


def _is_late(instance: Instance, service: Service) -> bool:
    ended = instance.finished_at
    return ended is not None and ended - began_at(instance) >= deadline_of(service, instance.check)


def _own_exit_code(instance: Instance) -> int | None:
    code = instance.exit_code
    if code is None or (code in _STOPPED and not instance.out_of_memory):
        return None
    return code


def _has_failing_check(instance: Instance) -> bool:
    """A stopped container reads as unhealthy, too: probes that failed are what counts."""
    retries = instance.check.retries if instance.check is not None else 1
    return instance.failing >= retries and instance.health is Health.UNHEALTHY


def _failed_check(instance: Instance) -> Sequence[str]:
    if not instance.failing:
        return ()
    lines = [line for line in instance.last_health_output.split("\n") if line.strip()]
    return lines[-LINES:]

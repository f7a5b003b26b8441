"""Judgements about one instance: is it ready, does it serve, has it failed. Pure."""

from __future__ import annotations

from reconciler.desired import Order
from reconciler.observed import Health, Instance, Phase
from reconciler.traffic import Probe
from specs.rollout_times import deadline_of, monitor_of, quickest_proof
from specs.route import Ready
from specs.service import Service

UPTIME = 5.0
"""Seconds of uptime that count as ready where there is no health check."""
IMAGE_FAULTS = (126, 127)
"""Exit codes that say that the command cannot be run at all: no second try helps."""
LAST_EXIT = 3
LAST_FAILURE = 3
"""Failed probes in a row after which an instance that answered before counts as failed."""
RUNNING = (Phase.RUNNING, Phase.PAUSED, Phase.RESTARTING)


def runs(instance: Instance) -> bool:
    """It has a process, or is between two."""
    return instance.phase in RUNNING


def serves(instance: Instance) -> bool:
    """It counts towards the floor: running, and not known to be unready."""
    return instance.phase is Phase.RUNNING and instance.health in (Health.NONE, Health.HEALTHY)


def ready_at(instance: Instance, service: Service) -> float | None:
    """When it passed the gate, or will pass it if nothing changes; None while that cannot be said.

    The gate of an unproved instance is ``healthy`` for one more interval (a second success in a row),
    at most five seconds; without a health check, five seconds of uptime.
    """
    if instance.phase is not Phase.RUNNING or instance.started_at is None:
        return None
    if instance.probe is not None:
        return answers_since(instance, instance.probe, service)
    if instance.health is Health.NONE:
        return instance.started_at + UPTIME
    if instance.health is not Health.HEALTHY:
        return None
    since = instance.healthy_since if instance.healthy_since is not None else instance.started_at
    interval = service.healthcheck.interval if service.healthcheck else None
    return max(since, instance.started_at) + min(UPTIME, UPTIME if interval is None else interval)


def answers_since(instance: Instance, probe: Probe, service: Service) -> float | None:
    """When it passed the gate of a route: it answers through the proxy, often enough in a row and for long
    enough, and its health check, where it has one, does not say otherwise."""
    wanted = service.route.ready if service.route is not None else Ready(successes=1, healthy_for=0.0)
    if instance.health not in (Health.NONE, Health.HEALTHY):
        return None
    if probe.since is None or probe.successes < wanted.successes:
        return None
    return max(probe.since, instance.started_at or probe.since) + wanted.healthy_for


def is_ready(instance: Instance, service: Service, now: float) -> bool:
    """It passed the gate."""
    at = ready_at(instance, service)
    return at is not None and at <= now


def proved_at(instance: Instance, service: Service, now: float) -> float:
    """When it was watched for long enough, counted from the gate: now or before, it is proved; else the
    time at which looking again can help."""
    since = ready_at(instance, service)
    if since is None:
        since = now
    enough = since + quickest_proof(service, instance.check)
    over = since + monitor_of(service, instance.check)
    # Probes count from the first success, which the gate waited after: else each proof would take one more.
    began = min(since, instance.healthy_since or since)
    is_probed = instance.checked_at is not None and instance.checked_at - began >= enough - since
    if is_probed or now < enough:
        return enough
    return over if over <= now else min(over, now + 2)


def failure(instance: Instance, service: Service, now: float) -> str | None:
    """Why an unproved instance has failed, in words; None while it has not (design, section 7)."""
    faults = (
        _start_failure(instance),
        _exit_failure(instance, service.is_job),
        _health_failure(instance),
        _probe_failure(instance),
        None if service.is_job else _deadline_failure(instance, service, now),
    )
    return next((fault for fault in faults if fault), None)


def _start_failure(instance: Instance) -> str | None:
    if instance.phase is Phase.CREATED and instance.exit_code in IMAGE_FAULTS and instance.error:
        return f"it cannot be started: {instance.error}"
    if instance.phase in (Phase.EXITED, Phase.RESTARTING) and instance.exit_code in IMAGE_FAULTS:
        return f"its command cannot be run (exit code {instance.exit_code})"
    return None


def _exit_failure(instance: Instance, is_job: bool) -> str | None:
    if instance.phase in (Phase.EXITED, Phase.DEAD) and is_job and instance.exit_code != 0:
        return exit_words(instance)
    if not is_job and instance.exits >= LAST_EXIT:
        last = f"; {exit_words(instance)}" if instance.exit_code is not None else ""
        return f"it exited {instance.exits} times{last}"
    return None


def exit_words(instance: Instance) -> str:
    """How it ended the last time; what the kernel killed for memory did not crash."""
    if instance.out_of_memory:
        return "it was killed for using more memory than its limit"
    return f"the last exit code was {instance.exit_code}"


def _health_failure(instance: Instance) -> str | None:
    # A stopped or paused container reads as unhealthy too: that is drift, not a failure of its own.
    if instance.health is not Health.UNHEALTHY or instance.phase is not Phase.RUNNING:
        return None
    # Not what the check wrote: causes are told to whoever may see a plan, and that is for readers of logs.
    return "its health check says unhealthy"


def _deadline_failure(instance: Instance, service: Service, now: float) -> str | None:
    # The clock of a container that never starts must run too. One that was started again has its time
    # again: too many exits are a failure of their own.
    if instance.phase in (Phase.EXITED, Phase.RESTARTING):
        return None  # it is started again first, by the engine or by us; how often, is counted
    probe = instance.probe
    if probe is not None and (probe.unasked or probe.since is not None):
        # No proxy was there to ask through; or it answers, and whoever asks now has not asked for long: a
        # process that begins must not take away what served before.
        return None
    deadline = deadline_of(service, instance.check)
    if now - began_at(instance) > deadline and not is_ready(instance, service, now):
        said = f": {probe.said}" if probe is not None and probe.said else ""
        return f"it was not ready within {deadline:g} s{said}"
    return None


def began_at(instance: Instance) -> float:
    """When its time to be ready began."""
    return instance.created_at if instance.started_at is None else instance.started_at


def _probe_failure(instance: Instance) -> str | None:
    """It got traffic because it answered, and answers no more."""
    probe = instance.probe
    return f"it does not answer any more: {probe.failed}" if probe is not None and probe.failed else None


def answers(instance: Instance) -> bool:
    """Nothing says that requests to it are lost: it was not asked, or it answers; one that was started again
    has to answer first."""
    probe = instance.probe
    if probe is None or probe.unasked:
        return probe is None or not probe.is_apart
    return probe.failures < (LAST_FAILURE if probe.passed else 1)


def start_error(instance: Instance) -> str | None:
    """A start that was refused for a reason outside the image, such as a port that is taken."""
    if instance.phase is Phase.CREATED and instance.error and instance.exit_code not in IMAGE_FAULTS:
        return instance.error
    return None


def grace(service: Service) -> float:
    """Seconds between the stop signal and the kill."""
    return service.stop_grace_period if service.stop_grace_period is not None else 10.0


def longest_interruption(service: Service, order: Order, floor: int) -> float | None:
    """How long a stop-first replacement can leave nothing serving; None when something always serves."""
    if order == "start-first" or floor > 0:
        return None
    return grace(service) + deadline_of(service)

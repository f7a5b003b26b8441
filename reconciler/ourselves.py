"""The service that this very process runs in: its old instance hands over, its new one takes over. Pure.

A process that stops its own container is gone before it knows what became of the stop: what was to follow
(prove the new instance, or make the old one serve again) would be done by nobody.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from reconciler.actions import Action, CreateInstance, RemoveInstance, RetireInstance, RunHook
from reconciler.decision import Ender, Plan
from reconciler.desired import Desired, DesiredService, Subject
from reconciler.observed import Handle, Instance, Observed, Phase
from reconciler.ownership import Role
from reconciler.readiness import is_ready
from reconciler.steps import Steps
from reconciler.target import desired_target

TAKES_OVER = "successor"
"""What the Wait for a newer instance of our own service expects."""
_SHORT = 12


def recognise(instances: Collection[Instance], named: Collection[str]) -> Handle | None:
    """The instance that this process runs in. ``named``: what may be the id of our container, whole or its
    first twelve digits; None when no observed instance bears one of them."""
    for instance in sorted(instances, key=lambda i: i.handle):
        if instance.handle.id in named or (
            len(instance.handle.id) == 64 and instance.handle.id[:_SHORT] in named
        ):
            return instance.handle
    return None


def leave_ourselves(steps: Steps, actions: list[Action]) -> list[Action]:
    """The actions that do not stop this very process; for each other one a Wait or a Block says why."""
    ours = _our_instance(steps.observed)
    if ours is None:
        return actions
    service = steps.desired.services.get(ours.service_name)
    obstacle = _obstacle(service) if service is not None else None
    if service is not None and obstacle is not None and _is_past(steps, service, ours):
        actions = _withhold_rollout(steps, ours, obstacle, actions)
    for action in [action for action in actions if _stops(action, ours)]:
        _wait(steps, action.subject, service)
    return [action for action in actions if not _stops(action, ours)]


def _our_instance(observed: Observed) -> Instance | None:
    return next((i for i in observed.instances if i.handle == observed.ourselves), None)


def _stops(action: Action, ours: Instance) -> bool:
    return isinstance(action, RetireInstance | RemoveInstance) and action.handle == ours.handle


def _is_past(steps: Steps, service: DesiredService, ours: Instance) -> bool:
    view = steps.views.of(service.name)
    wanted = desired_target(service, view, steps.observed, steps.desired.commit)
    return not wanted.is_generation_of(ours)


def _withhold_rollout(steps: Steps, ours: Instance, obstacle: str, actions: list[Action]) -> list[Action]:
    """All of it, its siblings as well: a rollout that cannot reach its end leaves less than there was."""
    kept = [a for a in actions if not _rolls_out(a, ours.service_name)]
    if len(kept) < len(actions):
        _block(steps, ours, obstacle)
    return kept


def _rolls_out(action: Action, service_name: str) -> bool:
    is_step = isinstance(action, CreateInstance | RetireInstance | RemoveInstance | RunHook)
    subject = action.subject
    return (
        is_step and (subject.kind, subject.name) == ("Service", service_name) and action.cause.type != "drift"
    )


def _obstacle(service: DesiredService) -> str | None:
    """Why old and new cannot run beside one another; None when they can."""
    spec = service.form.spec
    if spec.is_job:
        return "it is a job, which nothing runs beside"
    if any(port.published is not None for port in spec.ports.values()):
        return "it publishes a fixed port of the host, which two cannot have"
    if spec.network_mode == "host":
        return "it is in the host's network, where two cannot listen on one port"
    if service.order != "start-first":
        return "its rollout order is stop-first"
    return None


def _block(steps: Steps, ours: Instance, obstacle: str) -> None:
    steps.block(
        Subject("Service", ours.service_name),
        "PLAN035",
        f"this process runs in {ours.name} and cannot replace it: {obstacle}",
        "write rollout: {order: start-first}, without a published port or the host's network; or apply this "
        "change from outside of the service",
    )


def _wait(steps: Steps, subject: Subject, service: DesiredService | None) -> None:
    if service is None:
        reason = "this process runs in it and does not remove itself: do that from outside of it"
        steps.wait(subject, reason, Ender.OUTSIDE)
    else:
        reason = "this process runs in it: the newer instance takes over"
        steps.wait(subject, reason, Ender.OUTSIDE, expects=TAKES_OVER)


def is_succeeded(desired: Desired, observed: Observed, decided: Plan) -> bool:
    """A newer instance of our own service is live and ready, and we are to go: what is left is for the
    process in it. Both at work would take turns with the lease, and neither would end the rollout."""
    ours = _our_instance(observed)
    service = desired.services.get(ours.service_name) if ours is not None else None
    if ours is None or service is None or not any(w.expects == TAKES_OVER for w in decided.waits):
        return False
    return any(
        is_ready(other, service.form.spec, observed.at)
        for other in observed.instances
        if other.service_name == ours.service_name
        and other.role is Role.LIVE
        and other.phase is Phase.RUNNING
        and other.generation != ours.generation
        and other.created_at > ours.created_at
    )


def handed_over(decided: Plan) -> Plan:
    """The plan of a process that hands over: it does nothing, and all that it waits for others do."""
    waits = (replace(wait, ender=Ender.OUTSIDE, recheck_at=None) for wait in decided.waits)
    return replace(decided, actions=(), waits=tuple(waits))

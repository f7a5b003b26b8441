"""The live instances of a service, seen from the generation that it is brought to. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.actions import RemoveInstance
from reconciler.decision import Ender
from reconciler.desired import Order, Subject
from reconciler.difference import Cause
from reconciler.observed import Health, Instance
from reconciler.readiness import grace, is_ready, ready_at
from reconciler.steps import Steps
from reconciler.target import Target
from reconciler.view import ServiceView


@dataclass(frozen=True, slots=True)
class Rollout:
    """``current`` are of the target's generation and as applied; ``old`` is everything else that is live."""

    target: Target
    view: ServiceView
    current: tuple[Instance, ...]
    old: tuple[Instance, ...]
    drifted: frozenset[str]
    """Ids of instances of the target that drifted beyond mending: they are in ``old``."""
    proved: bool
    replicas: int
    order: Order
    cause: Cause

    @property
    def subject(self) -> Subject:
        """The service itself."""
        return Subject("Service", self.target.service.name)

    @property
    def floor(self) -> int:
        """How many healthy serving instances there must be at any moment."""
        return max(0, self.replicas - self.target.service.max_unavailable)

    def of(self, instance: Instance) -> Subject:
        """The subject of one of its instances."""
        return Subject("Service", self.target.service.name, instance.name)


def await_gate(steps: Steps, rollout: Rollout) -> None:
    """Wait for the instances that have not passed the gate yet."""
    spec = rollout.target.form.spec
    waiting = [i for i in rollout.current if not is_ready(i, spec, steps.now)]
    if not waiting:
        steps.wait(rollout.subject, "the floor allows no step", Ender.TIME, steps.now + 2, "ready")
        return
    for instance in waiting:
        at = ready_at(instance, spec)
        how = "it stays up" if instance.health is Health.NONE else instance.health.value
        words = f"instance {instance.number} passes the gate ({how})"
        steps.wait(rollout.subject, words, Ender.TIME, at if at else steps.now + 1, "ready")


def take_away(steps: Steps, target: Target, instance: Instance, cause: Cause) -> None:
    """Plan to stop and remove an instance of a service."""
    subject = Subject("Service", target.service.name, instance.name)
    steps.act(RemoveInstance(subject, cause, instance.handle, grace(target.form.spec)))

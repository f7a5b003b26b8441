"""The live instances of a service, seen from the generation that it is brought to. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.actions import RemoveInstance
from reconciler.canary import Canary
from reconciler.decision import Ender
from reconciler.desired import Order, Subject
from reconciler.difference import Cause
from reconciler.observed import Health, Instance
from reconciler.readiness import grace, is_ready, ready_at
from reconciler.steps import Steps
from reconciler.target import Target
from reconciler.view import ServiceView

_WATCHES = 0.5


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
    canary: Canary | None = None

    @property
    def wanted(self) -> int:
        """How many of the target's instances there are to be for now."""
        return self.replicas if self.canary is None else self.canary.instances(self.replicas)

    @property
    def surge(self) -> int:
        """How many there may be beyond replicas."""
        rollout = self.target.form.spec.rollout
        if self.canary is not None:
            return self.wanted
        return self.replicas if self.stands_beside else rollout.max_surge

    @property
    def stands_beside(self) -> bool:
        """The whole new set is beside the old one until it has proved itself."""
        return self.target.form.spec.rollout.strategy == "blue-green" and not self.proved

    @property
    def spares_old(self) -> bool:
        """What is old goes on running for now: as the way back, or because it has most of the requests."""
        return self.canary is not None or self.stands_beside

    @property
    def subject(self) -> Subject:
        """The service itself."""
        return Subject("Service", self.target.service.name)

    @property
    def floor(self) -> int:
        """How many healthy serving instances there must be at any moment."""
        return max(0, self.replicas - self.target.service.max_unavailable)

    def next_look(self, now: float) -> float | None:
        """When to look again while it is watched: who has requests is asked how it does all the while."""
        route = self.target.form.spec.route
        return None if route is None else now + max(_WATCHES, route.ready.interval)

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
        if instance.probe is not None and at is None:
            at = steps.now + min(1.0, spec.route.ready.interval if spec.route else 1.0)
        how = "it stays up" if instance.health is Health.NONE else instance.health.value
        words = f"instance {instance.number} passes the gate ({how})"
        steps.wait(rollout.subject, words, Ender.TIME, at if at else steps.now + 1, "ready")


def take_away(steps: Steps, target: Target, instance: Instance, cause: Cause) -> None:
    """Plan to stop and remove an instance of a service."""
    subject = Subject("Service", target.service.name, instance.name)
    steps.act(RemoveInstance(subject, cause, instance.handle, grace(target.form.spec)))

"""A proved instance that serves and gets no requests yet: it is waited for, or told. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from reconciler.decision import Ender
from reconciler.desired import Subject
from reconciler.observed import Instance, Phase
from reconciler.readiness import LAST_FAILURE, serves
from reconciler.steps import Steps
from reconciler.target import Target
from reconciler.traffic import short_id
from specs.rollout_times import deadline_of

UNREADY = "serves"
"""What a proved service that does not is waited for to do: it is told, and left to its restart policy."""
_PAUSE = 0.3


def await_entry(steps: Steps, target: Target, instances: Iterable[Instance], slots: Collection[str]) -> None:
    """Plan the Waits for running instances of a proved generation that no slot leads to: whoever asks has
    just begun, or they were just started, or they answer no more."""
    for instance in instances:
        if instance.phase is Phase.RUNNING and serves(instance) and short_id(instance.handle) not in slots:
            _await_one(steps, target, instance)


def _await_one(steps: Steps, target: Target, instance: Instance) -> None:
    subject, probe = Subject("Service", target.service.name, instance.name), instance.probe
    if probe is None or probe.unasked:
        return  # what is to ask is waited for
    age = steps.now - (steps.now if instance.started_at is None else instance.started_at)
    is_late = age > deadline_of(target.form.spec, instance.check)
    if probe.since is not None or probe.failures < LAST_FAILURE or not is_late:
        steps.wait(subject, "it answers before it gets requests", Ender.TIME, steps.now + _PAUSE, "ready")
    else:
        words = f"unstable: instance {instance.number} does not answer: {probe.said}"
        steps.wait(subject, words, Ender.OUTSIDE, expects=UNREADY)

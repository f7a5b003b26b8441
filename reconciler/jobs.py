"""Jobs: services that run to completion once a generation. Exit 0 is success, another exit holds. Pure."""

from __future__ import annotations

import json

from reconciler.actions import PutMarker, RemoveInstance
from reconciler.decision import Ender
from reconciler.desired import Subject
from reconciler.difference import Cause
from reconciler.observed import Instance, Phase
from reconciler.readiness import grace, runs
from reconciler.steps import Steps
from reconciler.strict_json import read_object
from reconciler.target import Target
from reconciler.view import JOB, ServiceView


def is_done(target: Target, view: ServiceView) -> bool:
    """The job of this generation ended with exit 0: its marker or its container says so."""
    if any(_succeeded(i) for i in view.live if target.is_generation_of(i)):
        return True
    return is_recorded(target, view)


def _succeeded(instance: Instance) -> bool:
    return instance.phase is Phase.EXITED and instance.exit_code == 0 and instance.started_at is not None


def is_recorded(target: Target, view: ServiceView) -> bool:
    """The marker names this generation: that it ran survives its container."""
    if view.job is None:
        return False
    try:
        value = read_object(view.job.value)
        same_spec = value["fingerprint"] == target.form.fingerprint and value["secrets"] == target.secrets
        return bool(same_spec and (value["input"] == target.input or value["digest"] == target.digest))
    except (ValueError, KeyError, TypeError):
        return False


def record(steps: Steps, target: Target, view: ServiceView) -> bool:
    """Write the marker ``job`` for a success that no marker names yet: its container may be pruned by
    anyone, and a migration must not run twice for that. True when something was planned."""
    succeeded = [i for i in view.live if target.is_generation_of(i) and _succeeded(i)]
    if not succeeded or is_recorded(target, view) or steps.observed.cannot_read("markers"):
        return False
    text = job_note(succeeded[-1])
    subject = Subject("Marker", target.service.name, JOB)
    sequence = view.job.sequence + 1 if view.job else 1
    cause = Cause("release", (f"job {target.service.name} ended with exit 0",))
    steps.act(PutMarker(subject, cause, JOB, target.service.name, sequence, text))
    return True


def job_note(instance: Instance) -> str:
    """The value of marker ``job`` for an instance that ended well."""
    seen = instance.generation
    value = {
        "fingerprint": seen.fingerprint,
        "secrets": seen.secrets,
        "digest": seen.digest,
        "input": instance.input,
    }
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def tidy(steps: Steps, target: Target, view: ServiceView) -> None:
    """Remove the containers of earlier generations of a job that is done."""
    cause = Cause("release", ("a newer generation of the job is done",))
    current = [i for i in view.live if target.is_generation_of(i)]
    old = [i for i in view.live if not target.is_generation_of(i)]
    for instance in (*old, *current[:-1], *view.kept, *view.held):
        if not runs(instance):
            subject = Subject("Service", target.service.name, instance.name)
            steps.act(RemoveInstance(subject, cause, instance.handle, grace(target.form.spec)))


def wait_for_end(steps: Steps, target: Target, instance: Instance) -> None:
    """It runs: look again in a while."""
    subject = Subject("Service", target.service.name)
    words = f"instance {instance.number} runs to its end"
    steps.wait(subject, words, Ender.TIME, steps.now + 1, "exit")

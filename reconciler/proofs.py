"""What each service of an environment has proved: what may be promoted from it, and recorded of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reconciler import jobs
from reconciler.decision import Ender, Plan
from reconciler.desired import Desired, DesiredService, Generation, Subject
from reconciler.observed import Instance, Observed
from reconciler.readiness import serves
from reconciler.release import Release
from reconciler.target import Target, desired_target, proved_release
from reconciler.view import ServiceView, group
from specs.check_service import is_image_name
from specs.inputs import is_input_key
from specs.proxy import PROXIES

_ABOUT = ("Service", "Route", "Marker")
"""Kinds of subjects that bear the name of the service that they are about."""


@dataclass(frozen=True, slots=True)
class Proof:
    """A generation of a service that proved itself, and how it is now."""

    service_name: str
    commit: str
    """Where its documents were read: the newest commit that is known to say this of it."""
    path: str | None
    """The folder of the specs at that commit; None where it is the environment's own."""
    fingerprint: str
    spec: str
    """The canonical effective service: secret names only."""
    input: str
    """The input key of an Image of ours, else the reference as written."""
    image: str
    """``name@digest``: where the bytes that ran lie."""
    image_name: str | None
    """The Image of ours; None where the image is from outside, or nothing says the name any more."""
    healthy_since: float | None
    """Since when all instances of it that serve now have been healthy, on the runtime's clock; of a job, when
    it ended. None while nothing serves."""
    ready: int
    replicas: int
    is_settled: bool
    """It is what the environment is to run now: nothing is under way about it."""


def proofs_of(desired: Desired, observed: Observed, plan: Plan) -> Mapping[str, Proof]:
    """The proof of each desired service that has one, by name.

    One that is missing has proved nothing, or cannot be read: ``unread`` tells these apart.
    """
    views, moving = group(observed), _moving(plan)
    found: dict[str, Proof] = {}
    for name, service in sorted(desired.services.items()):
        if name in PROXIES or name in desired.excluded or unread(observed, name):
            continue
        proof = _proof(desired, observed, service, views.of(name), name in moving)
        if proof is not None:
            found[name] = proof
    return found


def unread(observed: Observed, service_name: str) -> str | None:
    """Why nothing can be said of what a service has proved; None where it can."""
    about = ("instances", "markers", f"service:{service_name}")
    return next((f"{u.what}: {u.reason}" for u in observed.unreadable if u.what in about), None)


def _moving(plan: Plan) -> frozenset[str]:
    """The services about which something is to be done, is waited for, or must not happen."""
    subjects: list[Subject] = [action.subject for action in plan.actions]
    subjects += [wait.subject for wait in plan.waits if wait.ender is not Ender.OUTSIDE]
    subjects += [block.subject for block in plan.blocks]
    return frozenset(subject.name for subject in subjects if subject.kind in _ABOUT)


def _proof(
    desired: Desired, observed: Observed, service: DesiredService, view: ServiceView, is_moving: bool
) -> Proof | None:
    target = desired_target(service, view, observed, desired.commit)
    if service.form.spec.is_job:
        return None if is_moving or not jobs.is_done(target, view) else _job(target, view)
    release = proved_release(target, view)
    if release is not None and not is_moving and all(target.is_generation_of(i) for i in view.live):
        return _settled(target, view, release)
    return _newest(service, view, view.releases[0]) if view.releases else None


def _settled(target: Target, view: ServiceView, release: Release) -> Proof:
    """It runs what is desired: the newest commit that says so is the one that was read."""
    current = _serving(view, target.is_generation_of)
    service, image = target.service, release.image
    if target.image is not None and target.digest == release.generation.digest:
        image = str(target.image)  # the same bytes, where the specs say now that they lie
    return Proof(
        service_name=service.name,
        commit=target.pin,
        path=None,
        fingerprint=target.form.fingerprint,
        spec=target.form.canonical,
        input=target.input,
        image=image,
        image_name=_image_name(service, target.input),
        healthy_since=_healthy_since(current),
        ready=len(current),
        replicas=service.replicas,
        is_settled=True,
    )


def _newest(service: DesiredService, view: ServiceView, release: Release) -> Proof:
    """What it proved last, while something else is desired and not settled."""
    current = _serving(view, lambda i: _is_of(i, release.generation))
    return Proof(
        service_name=service.name,
        commit=release.pin or release.commit,
        path=None,
        fingerprint=release.generation.fingerprint,
        spec=release.spec,
        input=release.input,
        image=release.image,
        image_name=_image_name(service, release.input),
        healthy_since=_healthy_since(current),
        ready=len(current),
        replicas=release.replicas,
        is_settled=False,
    )


def _job(target: Target, view: ServiceView) -> Proof | None:
    """It ended with exit 0; its container may be gone since, and the marker remains."""
    ended = [i for i in view.live if target.is_generation_of(i)]
    image = ended[-1].image if ended else str(target.image) if target.image is not None else None
    if image is None:
        return None
    return Proof(
        service_name=target.service.name,
        commit=target.pin,
        path=None,
        fingerprint=target.form.fingerprint,
        spec=target.form.canonical,
        input=target.input,
        image=image,
        image_name=_image_name(target.service, target.input),
        healthy_since=ended[-1].finished_at if ended else None,
        ready=1,
        replicas=1,
        is_settled=True,
    )


def _image_name(service: DesiredService, input_key: str) -> str | None:
    """Of one that is read at a pin nothing is built, and its spec alone says the name. None also where the
    spec of today names an image from outside instead."""
    written = service.form.spec.image
    named = written if written is not None and is_image_name(written) else None
    return (service.image.image_name or named) if is_input_key(input_key) else None


def _serving(view: ServiceView, is_one: Callable[[Instance], bool]) -> list[Instance]:
    return [instance for instance in view.live if serves(instance) and is_one(instance)]


def _is_of(instance: Instance, generation: Generation) -> bool:
    return instance.generation == generation


def _healthy_since(serving: Sequence[Instance]) -> float | None:
    """Of several the latest. Where the engine remembers no failure, health counts from the start."""
    return max((_well_since(i) for i in serving), default=None)


def _well_since(instance: Instance) -> float:
    started = instance.created_at if instance.started_at is None else instance.started_at
    return started if instance.healthy_longer else max(started, instance.healthy_since or started)

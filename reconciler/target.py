"""Which generation a service should run: the desired one or, while that is held, the last proved. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.desired import DesiredService, Generation, ServiceForm
from reconciler.observed import ABSENT, Instance, Observed
from reconciler.readiness import serves
from reconciler.release import Release
from reconciler.strict_json import read_object
from reconciler.view import ServiceView, same_spec
from specs.reference import Digest, ImageRef, InvalidReference
from specs.rollout_times import deadline_of, monitor_of

ReadForm = Callable[[str], ServiceForm]
"""Reads a canonical form from a label or marker; raises ValueError on what today's policy refuses."""


@dataclass(frozen=True, slots=True)
class Target:
    """The generation that a service is brought to. ``digest`` and ``image`` are None while unknown."""

    service: DesiredService
    form: ServiceForm
    input: str
    secrets: str
    digest: str | None
    image: ImageRef | None
    commit: str
    pin: str
    is_rollback: bool = False

    @property
    def generation(self) -> Generation | None:
        """The generation, once its digest is known."""
        return Generation(self.form.fingerprint, self.secrets, self.digest) if self.digest else None

    def is_generation_of(self, instance: Instance) -> bool:
        """Whether the instance is of this generation: same spec, same secrets, and the same image by
        input or by digest (a changed comment in a Dockerfile that builds the same bytes restarts nobody)."""
        seen = instance.generation
        if seen.fingerprint != self.form.fingerprint:
            return False
        if seen.secrets != self.secrets and not self.service.missing_secrets:
            return False
        return self.is_image_of(instance.input, seen.digest)

    def is_image_of(self, input_key: str, digest: str) -> bool:
        """Whether it is the same image: by input, or by digest. Where the lock names a digest, that alone
        decides: another one under the same reference is another image."""
        same_digest = self.digest is not None and digest == self.digest
        return same_digest or (self.service.image.locked is None and input_key == self.input)


def desired_target(service: DesiredService, view: ServiceView, observed: Observed, commit: str) -> Target:
    """The desired generation."""
    digest = wanted_digest(service, view, observed)
    image = service.image.ref.with_digest(Digest(digest)) if digest else None
    return Target(
        service=service,
        form=service.form,
        input=service.image.input,
        secrets=service.secrets_digest,
        digest=digest,
        image=image,
        commit=commit,
        pin=service.pin or commit,
    )


def wanted_digest(service: DesiredService, view: ServiceView, observed: Observed) -> str | None:
    """One digest a generation: of a sibling, else of a release, else what registry or lock says now.

    So a lost race between two builders, or a tag that moved, never mixes two images in one set, and
    healing never upgrades. None while no one knows it.
    """
    if service.image.locked:
        return service.image.locked.text
    wanted = service.image.input
    siblings = [i for i in view.instances if i.input == wanted]
    if siblings:
        return next((i for i in siblings if same_spec(i, service)), siblings[0]).generation.digest
    for release in view.releases:
        if release.input == wanted:
            return release.generation.digest
    artifact = observed.artifacts.get(str(service.image.ref))
    return None if artifact is None or artifact == ABSENT else artifact.text


def holding_instance(target: Target, view: ServiceView) -> Instance | None:
    """The instance that says that this generation failed and is held; None when it is not held.

    A ``retry`` marker that names the instance ends the hold.
    """
    retried = retried_ids(view)
    for instance in reversed(view.held):
        if target.is_generation_of(instance) and instance.handle.id not in retried:
            return instance
    return None


def retried_ids(view: ServiceView) -> frozenset[str]:
    """Ids of the containers that a retry was asked for."""
    if view.retry is None:
        return frozenset()
    try:
        named = read_object(view.retry.value)["instances"]
    except (ValueError, KeyError):
        return frozenset()
    return frozenset(str(name) for name in named) if isinstance(named, list) else frozenset()


def proved_release(target: Target, view: ServiceView) -> Release | None:
    """The release that names the target's generation."""
    for release in view.releases:
        seen = release.generation
        same_image = target.is_image_of(release.input, seen.digest)
        same_secrets = seen.secrets == target.secrets or bool(target.service.missing_secrets)
        if seen.fingerprint == target.form.fingerprint and same_secrets and same_image:
            return release
    return None


def rollback_target(held: Target, view: ServiceView, read_form: ReadForm, now: float) -> Target | None:
    """The last proved generation that is not the held one: from marker ``release``, else from the labels
    of an instance of another generation that is kept (only what was proved is kept) or that has been live
    for longer than deadline and monitor (it counts as proved where the marker was lost)."""
    failed = proved_release(held, view)
    for release in view.releases:
        if release is not failed:
            target = _from_release(held, release, read_form)
            if target is not None:
                return target
    aged = [i for i in view.live if is_aged(i, held.service, now)]
    for instance in (*reversed(view.kept), *reversed(aged)):
        if not held.is_generation_of(instance):
            target = _from_instance(held, instance, read_form)
            if target is not None:
                return target
    return None


def is_aged(instance: Instance, service: DesiredService, now: float) -> bool:
    """It has served for longer than any rollout of its service takes: it counts as proved without a marker.
    One that does not serve does not: a rollout that nobody watched to its end proves nothing."""
    spec, started = service.form.spec, instance.started_at
    if started is None or not serves(instance):
        return False
    if instance.probe is not None and not instance.probe.passed:
        return False  # nobody was ever let in, or nobody can say
    monitor = monitor_of(spec, instance.check)
    # One that flaps is seen healthy now and then: it must have been so for as long as a window lasts.
    well = started if instance.healthy_longer else max(started, instance.healthy_since or started)
    return now - started > deadline_of(spec, instance.check) + monitor and now - well > monitor


def _from_release(held: Target, release: Release, read_form: ReadForm) -> Target | None:
    return _past_target(
        held,
        read_form,
        release.spec,
        release.generation,
        release.image,
        release.input,
        (release.commit, release.pin),
    )


def _from_instance(held: Target, instance: Instance, read_form: ReadForm) -> Target | None:
    if instance.applied is None:
        return None
    return _past_target(
        held,
        read_form,
        instance.applied,
        instance.generation,
        instance.image,
        instance.input,
        (instance.commit, instance.pin),
    )


def _past_target(
    held: Target,
    read_form: ReadForm,
    canonical: str,
    generation: Generation,
    image: str,
    input_key: str,
    read_at: tuple[str, str],
) -> Target | None:
    try:
        form = read_form(canonical)
        ref = ImageRef.parse(image)
    except (ValueError, InvalidReference):
        return None
    if form.fingerprint != generation.fingerprint:
        return None  # an old projection, or a label that somebody wrote: not what it says it is
    commit, pin = read_at
    return Target(
        service=held.service,
        form=form,
        input=input_key,
        secrets=generation.secrets,
        digest=generation.digest,
        image=ref,
        commit=commit,
        pin=pin or commit,
        is_rollback=True,
    )

"""Registries that must run and images that must be built before anything can use them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.actions import BuildImage, StartRegistry
from reconciler.decision import Ender
from reconciler.desired import DesiredImage, Subject
from reconciler.difference import Cause
from reconciler.observed import ABSENT
from reconciler.steps import Steps
from reconciler.target import Target
from specs.reference import ImageRef


def supply_registries(steps: Steps) -> None:
    """Start each local registry that an image of this environment lives in."""
    for name, registry in sorted(steps.desired.registries.items()):
        host = f"localhost:{registry.port}"
        used = any(image.registry_name == name for image in steps.desired.images.values())
        used = used or any(service.image.ref.host == host for service in steps.desired.services.values())
        if used and name not in steps.observed.registry_running:
            cause = Cause("commit", (f"Registry {name} is local and does not run",))
            steps.act(StartRegistry(Subject("Registry", name), cause, registry))


def supply_images(steps: Steps) -> None:
    """Build each image whose key its registry lacks. An image that cannot be looked up is left alone:
    a failed read is not an absent image."""
    for image in _parents_first(steps.desired.images):
        artifact = steps.observed.artifacts.get(str(image.ref))
        if artifact == ABSENT:
            _build(steps, image)
        elif artifact is None:
            reason = f"the registry of {image.ref.name} cannot be read"
            steps.wait(image_subject(image), reason, Ender.OUTSIDE)


def _parents_first(images: Mapping[str, DesiredImage]) -> Iterator[DesiredImage]:
    seen: set[str] = set()

    def visit(name: str) -> Iterator[DesiredImage]:
        if name in seen or name not in images:
            return
        seen.add(name)
        for parent_name in sorted(images[name].builds_on):
            yield from visit(parent_name)
        yield images[name]

    for name in sorted(images):
        yield from visit(name)


def _build(steps: Steps, image: DesiredImage) -> None:
    subject = image_subject(image)
    if image.problem:
        steps.block(subject, "PLAN010", image.problem, "change the Dockerfile or the context")
        return
    local = image.registry_name in steps.desired.registries
    if local and image.registry_name not in steps.observed.registry_running:
        registry = Subject("Registry", image.registry_name)
        steps.wait_on(subject, registry, f"registry {image.registry_name} is starting")
        return
    parents: dict[str, ImageRef] = {}
    for name in image.builds_on:
        parent = steps.desired.images.get(name)
        known = steps.observed.artifacts.get(str(parent.ref)) if parent else None
        if parent is None or known is None or known == ABSENT:
            needed = image_subject(parent) if parent else Subject("Image", name)
            steps.wait_on(subject, needed, f"it builds on image {name}, which is not there yet")
            return
        parents[name] = parent.ref
    cause = Cause("input", (f"{image.ref.name} has no {image.key}",))
    steps.act(BuildImage(subject, cause, image, parents))


def image_subject(image: DesiredImage) -> Subject:
    """An image key is one subject, however many services and environments want it."""
    return Subject("Image", image.name, image.key)


def wait_for_digest(steps: Steps, target: Target) -> None:
    """Why the digest of a target's image is not known yet."""
    image, subject = target.service.image, Subject("Service", target.service.name)
    if image.image_name is not None:
        ours = steps.desired.images.get(image.image_name)
        needed = image_subject(ours) if ours else Subject("Image", image.image_name)
        steps.wait_on(subject, needed, f"image {image.image_name} is built")
    elif steps.observed.artifacts.get(str(image.ref)) == ABSENT:
        reason = f"its registry has no image {image.ref}"
        steps.block(subject, "PLAN014", reason, "push the image, or correct the reference")
    else:
        steps.wait(subject, f"the registry of {image.ref} cannot be read", Ender.OUTSIDE)

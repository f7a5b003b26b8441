"""The images of a commit: their input keys, where they live, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from reconciler.desired import DesiredImage
from reconciler.ownership import Owner
from reconciler.provider import Tree
from reconciler.resolve import image_repository
from specs.effective import Effective
from specs.image import Build, Image
from specs.image_inputs import ImageInputs, image_inputs
from specs.image_problem import ImageProblem
from specs.problem import Problem
from specs.reference import Digest


@dataclass(frozen=True, slots=True)
class KnownImage:
    """An Image of this commit with everything that a build needs."""

    build: Build
    inputs: ImageInputs = field(repr=False)
    desired: DesiredImage
    context_keys: Mapping[str, str]
    """Names of contexts -> input keys of the images of ours behind them."""


def know_images(
    owner: Owner, tree: Tree, effective: Effective, locks: Mapping[str, Digest]
) -> dict[str, KnownImage]:
    """Every image that the environment needs, by name. Raises ProviderError when the tree cannot be read."""
    known: dict[str, KnownImage] = {}
    for name, image in _parents_first(effective.images):
        keys = {other: found.desired.key for other, found in known.items()}
        inputs = image_inputs(tree, image.build, locks, keys)
        contexts = {c: keys[use.image] for c, use in image.build.contexts.items() if use.image in keys}
        known[name] = KnownImage(
            image.build, inputs, _desired(owner, name, image, inputs, effective), contexts
        )
    return known


def _parents_first(images: Mapping[str, Image]) -> Iterator[tuple[str, Image]]:
    seen: set[str] = set()

    def visit(name: str) -> Iterator[tuple[str, Image]]:
        if name in seen or name not in images:
            return
        seen.add(name)
        for use in images[name].build.contexts.values():
            yield from visit(use.image)
        yield name, images[name]

    for name in sorted(images):
        yield from visit(name)


def _desired(
    owner: Owner, name: str, image: Image, inputs: ImageInputs, effective: Effective
) -> DesiredImage:
    registry = effective.registries[image.registry]
    return DesiredImage(
        name=name,
        key=inputs.key,
        ref=image_repository(owner, registry, image.repository).with_tag(inputs.key),
        document=inputs.document,
        registry_name=image.registry,
        builds_on=tuple(sorted({use.image for use in image.build.contexts.values()})),
        bases=inputs.bases,
        problem="; ".join(str(problem) for problem in inputs.problems[:3]) or None,
        local=registry.provider == "local",
    )


def problem_of_image(name: str, problem: ImageProblem) -> Problem:
    """A problem of an image's inputs as one of the specs'."""
    return Problem(
        problem.code,
        "error",
        problem.file,
        problem.line,
        None,
        f"Image {name}",
        problem.seen,
        problem.expected,
        problem.remedy,
    )

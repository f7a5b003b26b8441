"""References from outside: which float, and which mean other bytes now than those that count here. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from reconciler.desired import Desired, DesiredImage
from reconciler.observed import Observed
from reconciler.target import wanted_digest
from reconciler.view import group
from specs.reference import Digest, ImageRef, InvalidReference


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference as written. ``digest`` is the one that counts here: of the lock, of what runs, of what an
    image was built on; None while nobody knows it. ``now`` is what its registry says of the tag today; None
    where it was not asked or did not answer."""

    text: str
    digest: str | None
    floating: bool
    now: str | None = None

    @property
    def moved(self) -> bool | None:
        """Whether the tag means another digest by now; None when that cannot be told."""
        return None if self.digest is None or self.now is None else self.digest != self.now


@dataclass(frozen=True, slots=True)
class References:
    """The references of one commit: by Image that is built on them, and those that services run, by text."""

    bases: Mapping[str, tuple[Reference, ...]] = field(default_factory=dict)
    services: Mapping[str, Reference] = field(default_factory=dict)

    def all(self) -> Iterator[Reference]:
        """Every reference, in order; one may stand in several places."""
        for _, found in sorted(self.bases.items()):
            yield from found
        yield from (reference for _, reference in sorted(self.services.items()))

    def with_tags(self, tags: Mapping[str, str | None]) -> References:
        """The same, with what the registries say of each text now."""

        def told(reference: Reference) -> Reference:
            return replace(reference, now=tags.get(reference.text))

        bases = {name: tuple(told(r) for r in found) for name, found in self.bases.items()}
        return References(bases, {text: told(r) for text, r in self.services.items()})


def references(
    desired: Desired, observed: Observed, used: Mapping[str, Mapping[str, str]] | None = None
) -> References:
    """The references of what is desired. ``used``: for each Image that is built, the bases that it was built
    on, text -> digest."""
    known = used or {}
    bases = {
        name: tuple(_base(image, text, desired, known.get(name, {})) for text in image.bases)
        for name, image in desired.images.items()
    }
    return References(bases, dict(_of_services(desired, observed)))


def _base(image: DesiredImage, text: str, desired: Desired, used: Mapping[str, str]) -> Reference:
    written = digest_in(text)
    locked = written or desired.locks.get(text)
    return Reference(text, str(locked) if locked else used.get(text), locked is None)


def _of_services(desired: Desired, observed: Observed) -> Iterator[tuple[str, Reference]]:
    views = group(observed)
    for name, service in sorted(desired.services.items()):
        image = service.image
        if image.image_name is None:
            digest = wanted_digest(service, views.of(name), observed)
            yield image.input, Reference(image.input, digest, image.locked is None)


def digest_in(text: str) -> Digest | None:
    """The digest that a reference itself names."""
    try:
        return ImageRef.parse(text).digest
    except InvalidReference:
        return None

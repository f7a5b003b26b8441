"""A service that is read at another commit than its environment, and whether an entry of a Release counts.

Where the environment follows no other, an entry is a rollback (contracts, section 7): it counts for as long
as the commit says of the service exactly what it stands instead of. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.desired import DesiredService, WantedImage
from reconciler.files import ConfigDigest, FilesKey
from specs.reference import Digest, ImageRef
from specs.release import InsteadOf, ReleasedImage, ReleasedService


@dataclass(frozen=True, slots=True)
class Pin:
    """What is known of such a service beyond its spec."""

    commit: str
    image: WantedImage
    configs: Mapping[FilesKey, ConfigDigest]
    is_rollback: bool = True


def standing(service: DesiredService) -> InsteadOf:
    """What a commit says of a service, known without network and engine."""
    locked = service.image.locked
    return InsteadOf(
        fingerprint=service.form.fingerprint,
        input=service.image.input,
        digest=None if locked is None else str(locked),
    )


def is_in_force(entry: ReleasedService, service: DesiredService) -> bool:
    """Whether a rollback still counts: nothing else is said of the service since."""
    refused = entry.instead_of
    if refused is None:
        return False
    now = standing(service)
    return (refused.fingerprint, refused.input, refused.digest) == (now.fingerprint, now.input, now.digest)


def released_image(released: ReleasedImage, repository: ImageRef | None = None) -> WantedImage:
    """The image of an entry. ``repository``: where an Image of ours lives; one from outside lies where its
    reference says. It is looked up by digest alone, and never built."""
    digest = Digest(released.digest)
    if released.input is not None and repository is not None:
        return WantedImage(released.input, None, repository.with_tag(released.input), digest)
    reference = released.reference or ""
    return WantedImage(reference, None, ImageRef.parse(reference), digest)

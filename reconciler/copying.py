"""Images that are to lie somewhere else too, and what became of that. Pure values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from specs.problem import Problem
from specs.reference import Digest, ImageRef

Moved = Literal["present", "mounted", "copied"]
"""How an image came to be somewhere: it was there whole; no layer had to be sent, because the registry had
them all; layers were sent."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """What a registry did. ``notes``: what a person should know, in words."""

    moved: Moved
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageCopy:
    """An image by digest, and the repository that it should lie in as well."""

    service_name: str
    source: ImageRef
    """With a digest."""
    target: ImageRef
    """Its repository counts, and nothing else."""

    @property
    def digest(self) -> Digest:
        """What is copied. Raises ValueError where the source names none."""
        if self.source.digest is None:
            raise ValueError("an image is copied by its digest")
        return self.source.digest

    @property
    def placed(self) -> ImageRef:
        """The same bytes where they should lie."""
        return self.target.with_digest(self.digest)

    @property
    def tag(self) -> ImageRef:
        """The tag that keeps them there; it is given last, so that it says that everything is there."""
        return self.target.with_tag(self.digest.tag)


@dataclass(frozen=True, slots=True)
class Copied:
    """What became of one, or ``absent``: it is still to be done. ``bytes_sent`` counts layers that travelled
    through this process, also in vain."""

    copy: ImageCopy
    result: Literal["present", "absent", "mounted", "copied", "failed"]
    bytes_sent: int = 0
    problem: Problem | None = None
    notes: tuple[str, ...] = ()

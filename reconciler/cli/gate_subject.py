"""What checks are about: a service that is to be promoted, by its commit and its image."""

from __future__ import annotations

from dataclasses import dataclass

from specs.reference import ImageRef


@dataclass(frozen=True, slots=True)
class CheckedService:
    """One of a promotion. ``image`` is by digest, from where the target's engine can pull it."""

    service_name: str
    commit: str
    image: ImageRef

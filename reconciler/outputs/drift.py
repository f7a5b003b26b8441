"""Output ``drift``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reconciler.outputs.parts import DiffPart, Envelope, Name, Part, PlacePart, SubjectPart, Time

Result = Literal["clean", "drifted", "cannot_tell"]


class IgnoredPart(Part):
    """A difference that the spec leaves alone; ``until`` is a day."""

    path: str
    reason: str
    until: str | None


class DriftedPart(Part):
    """How one service lives."""

    service: Name
    result: Result
    since: Time | None
    diffs: list[DiffPart]
    missing: int
    extra: list[SubjectPart]
    heal: list[str]
    ignored: list[IgnoredPart]
    place: PlacePart | None = Field(default=None, description="Where the Service document begins.")


class DriftOutput(Envelope):
    """``reconciler drift ENV --json``."""

    result: Result
    pending: int
    services: list[DriftedPart]

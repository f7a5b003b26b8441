"""Output ``drift``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reconciler.outputs.parts import (
    DiffPart,
    Envelope,
    InterruptionPart,
    Name,
    Part,
    PlacePart,
    SubjectPart,
    Time,
)

Result = Literal["clean", "drifted", "cannot_tell"]


class IgnoredPart(Part):
    """A difference that the spec leaves alone; ``until`` is a day."""

    path: str
    reason: str
    until: str | None


class SeenPart(Part):
    """What the engine tells of who may have done it: an event, with its own facts."""

    at: Time | None
    action: str
    container: str | None
    facts: dict[str, str]


class DriftedPart(Part):
    """How one service lives."""

    service: Name
    result: Result
    since: Time | None
    diffs: list[DiffPart]
    missing: int
    extra: list[SubjectPart]
    heal: list[str] = Field(description="The verbs of what a heal would do.")
    heal_steps: list[str] = Field(description="The same, in words.")
    interrupts: InterruptionPart | None
    withheld: str | None = Field(description="Why it would not be healed now.")
    seen: list[SeenPart]
    ignored: list[IgnoredPart]
    place: PlacePart | None = Field(default=None, description="Where the Service document begins.")


class DriftOutput(Envelope):
    """``reconciler drift ENV --json``."""

    result: Result
    pending: int
    services: list[DriftedPart]

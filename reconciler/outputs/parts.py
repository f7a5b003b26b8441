"""The envelope of every output and the parts that several verbs share (contracts, section 3)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
Time = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
"""RFC 3339, UTC."""
Origin = Literal["live", "commit"]


class Part(BaseModel):
    """Open: within ``v1`` members are added and none is taken away."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)


class OwnerPart(Part):
    """Whose objects it is about."""

    project: Name
    environment: Name


class ProblemPart(Part):
    """What is wrong and where; lines and columns count from 1."""

    code: str
    severity: Literal["error", "warning"]
    file: str | None
    line: int | None
    column: int | None
    subject: str | None
    seen: str
    expected: str
    remedy: str


class UnreadablePart(Part):
    """What could not be read, and why: nothing is known of it, not even that it is absent."""

    what: str
    reason: str
    since: Time | None


class InstancePart(Part):
    """One container."""

    host: str | None
    id: str | None
    name: str
    role: str | None = Field(description="live, kept (the way back) or held (failed).")


class SubjectPart(Part):
    """The one object that something is about."""

    kind: str
    name: str
    instance: InstancePart | None


class PlacePart(Part):
    """A position in a file, counted from 1."""

    file: str | None
    line: int | None
    column: int | None


class DiffPart(Part):
    """One field that differs. Origin live: from what was applied; commit: from what is desired."""

    path: str
    origin: Origin
    desired: JsonValue
    applied: JsonValue
    live: JsonValue
    verdict: Literal["same", "different", "cannot_tell", "not_compared"]


class CausePart(Part):
    """Why something is done."""

    type: Literal["commit", "drift", "input", "release", "prune", "operator", "retry"]
    refs: list[str]
    diffs: list[DiffPart]


class InterruptionPart(Part):
    """At most so many seconds in which nobody answers."""

    max_s: float


class ActionPart(Part):
    """One thing to do."""

    id: str
    verb: str
    subject: SubjectPart
    cause: CausePart
    interrupts: InterruptionPart | None
    destructive: bool


class WaitPart(Part):
    """What cannot happen yet; ``for`` says who ends it."""

    subject: SubjectPart
    reason: str
    ender: Literal["us", "time", "outside"] = Field(alias="for")
    recheck_at: Time | None


class BlockPart(Part):
    """What must not happen, and the way out."""

    subject: SubjectPart
    code: str
    reason: str
    remedy: str


class Envelope(Part):
    """Around every output, also where the verb failed: then ``problems`` say why."""

    output: str = Field(alias="schema", pattern=r"^reconciler/[a-z-]+/v1$")
    tool: str
    exit: int = Field(description="The exit code of the command.")
    owner: OwnerPart | None
    commit: str | None
    at: Time
    mode: Literal["live", "offline", "worktree"]
    problems: list[ProblemPart]
    unreadable: list[UnreadablePart]

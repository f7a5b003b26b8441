"""Output ``promote``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from reconciler.outputs.parts import DiffPart, Envelope, Name, Part, Time


class PinPart(Part):
    """What a service is pinned to."""

    commit: str | None = None
    digest: str | None = None
    hotfix: str | None = Field(default=None, description="Why it went past the environment that is followed.")


class PromotedPart(Part):
    """One service: from which pin to which, and what lies between."""

    service: Name
    before: PinPart | None = Field(alias="from")
    after: PinPart | None = Field(alias="to")
    commits: list[str]
    diffs: list[DiffPart]


class GatePart(Part):
    """One condition, of one service where ``service`` is not null; ``passed`` null: cannot tell."""

    name: str
    service: str | None = None
    passed: bool | None
    seen: str
    expected: str
    retry_at: Time | None
    remedy: str | None = None


class CopyPart(Part):
    """One image, copied by its digest."""

    digest: str
    source: str = Field(alias="from")
    target: str = Field(alias="to")
    result: str


class PullRequestPart(Part):
    """A pull request that is ready to be opened."""

    title: str = Field(min_length=1, max_length=250)
    body: str
    branch: str
    base: str


class PromotionMembers(Part):
    """What promote says, and rollback too."""

    source: Name = Field(alias="from")
    target: Name = Field(alias="to")
    result: Literal["written", "nothing", "refused"]
    branch: str | None
    pull_request: PullRequestPart | None
    services: list[PromotedPart]
    gates: list[GatePart]
    copies: list[CopyPart]


class PromoteOutput(PromotionMembers, Envelope):
    """``reconciler promote FROM TO --json``."""


class RollbackOutput(PromotionMembers, Envelope):
    """``reconciler rollback ENV --json``."""

    applied: dict[str, JsonValue] | None = Field(description="What apply says; null where nothing was.")

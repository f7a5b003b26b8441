"""Output ``plan``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from reconciler.outputs.files import ValuePart
from reconciler.outputs.parts import ActionPart, BlockPart, Envelope, Part, WaitPart


class StepPart(Part):
    """One pass of the forecast; the first is the present one."""

    number: int = Field(alias="pass")
    actions: list[ActionPart]


class BasisPart(Part):
    """A reference that an image is built on, or that a service runs."""

    ref: str
    digest: str | None
    floating: bool
    moved: bool | None = Field(description="Whether the tag means other bytes by now; null: unknown.")


class ImagePart(Part):
    """An image of ours, or a reference from outside, whose input is the reference itself."""

    input: str
    bases: list[BasisPart]
    built: bool | None = Field(description="Whether the registry has it; null: unknown.")
    digest: str | None
    changed: list[str] = Field(default=[], description="Which of its inputs are other ones than before.")
    before: str | None = Field(default=None, description="The input that it had, in an offline plan.")


class PolicyPart(Part):
    """One field that an offline plan's change edits, of what says where things run and what is allowed."""

    subject: str
    path: str
    before: JsonValue
    after: JsonValue


class UnknownPart(Part):
    """What only a look could tell, so that an offline plan says nothing of it."""

    what: str
    reason: str


class DocumentValuesPart(Part):
    """The values of one document that actions are about, each with where it comes from."""

    kind: str
    name: str
    values: list[ValuePart]


class PlanMembers(Part):
    """What one environment's plan says."""

    plan_id: str = Field(description="Two plans with one id do the same.")
    prune_id: str | None = Field(description="What apply --allow-prune takes.")
    base: str | None = Field(description="The commit that an offline plan takes for what runs.")
    settled: bool
    actions: list[ActionPart] = Field(description="What can be done now.")
    waits: list[WaitPart]
    blocks: list[BlockPart]
    forecast: list[StepPart] = Field(description="All passes to the end, as far as can be told.")
    images: dict[str, ImagePart]
    presence: Literal["kept", "new", "gone"] = Field(
        default="kept", description="Offline: whether both commits have the environment."
    )
    policy_ref: str | None = Field(
        default=None, description="Offline: the branch that decides policy, as far as the clone knows."
    )
    policy: list[PolicyPart] = Field(default=[], description="Offline: shown, and not used.")
    on_promotion: PlanMembers | None = Field(
        default=None, description="Offline, of what follows: when all is promoted as the commit has it."
    )
    unknown: list[UnknownPart] = Field(default=[], description="Offline: what nobody was asked.")
    explained: list[DocumentValuesPart] = Field(default=[], description="With --explain.")


class PlanOutput(PlanMembers, Envelope):
    """``reconciler plan ENV --json``."""


class PlansOutput(Envelope):
    """``reconciler plan --base REF --json`` of several environments: an output of each, which is the envelope
    alone where its plan failed."""

    base: str
    settled: bool
    environments: list[PlanOutput | Envelope]

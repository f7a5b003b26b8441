"""Output ``plan``."""

from __future__ import annotations

from pydantic import Field, JsonValue

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


class PlanMembers(Part):
    """What one environment's plan says."""

    plan_id: str = Field(description="Two plans with one id do the same.")
    prune_id: str | None = Field(description="What apply --allow-prune takes.")
    base: JsonValue = Field(description="What an offline plan starts from; null for a live one.")
    settled: bool
    actions: list[ActionPart] = Field(description="What can be done now.")
    waits: list[WaitPart]
    blocks: list[BlockPart]
    forecast: list[StepPart] = Field(description="All passes to the end, as far as can be told.")
    images: dict[str, ImagePart]


class PlanOutput(PlanMembers, Envelope):
    """``reconciler plan ENV --json``."""

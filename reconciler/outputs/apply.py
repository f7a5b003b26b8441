"""Output ``apply``, and those that hold one."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from reconciler.outputs.parts import ActionPart, BlockPart, Envelope, Name, Part, SubjectPart, WaitPart


class OutcomePart(Part):
    """What became of an action; output of builds and containers only with ``--logs``."""

    action_id: str
    verb: str
    subject: SubjectPart
    result: Literal["done", "failed", "skipped"]
    duration_s: float
    error: str | None
    log_tail: list[str]


class HeldPart(Part):
    """A service whose new version failed, and what it left; what it wrote only with ``--logs``."""

    service: Name
    instance: str
    reason: str | None
    exit_code: int | None
    out_of_memory: bool
    error: str | None
    health: list[str]
    log: list[str]


class RemainingPart(Part):
    """What is left to do."""

    actions: list[ActionPart]
    waits: list[WaitPart]
    blocks: list[BlockPart]


class ApplyMembers(Part):
    """How an apply ended."""

    result: Literal["settled", "waiting", "blocked", "held", "rolled_back", "unreadable", "failed"]
    passes: int
    duration_s: float
    outcomes: list[OutcomePart]
    held: list[HeldPart]
    remaining: RemainingPart


class ApplyOutput(ApplyMembers, Envelope):
    """``reconciler apply ENV --json``."""

    followed: str | None = Field(description="The loop that did it, where one keeps the environment.")


class DestroyOutput(ApplyMembers, Envelope):
    """``reconciler destroy ENV --confirm ID --json``: how it ended."""


class AskedOutput(Envelope):
    """Without the right ``--confirm``: the id that does it."""

    confirm: str


class ContainerPart(Part):
    """A container that is not ours."""

    id: str
    name: str
    image: str


class CandidatePart(Part):
    """A service, and the container that it could take over from."""

    service: Name
    container: ContainerPart


class CandidatesOutput(Envelope):
    """``reconciler adopt ENV --json``: what Compose runs that bears names of services."""

    candidates: list[CandidatePart]


class TakenOutput(Envelope):
    """``reconciler adopt ENV SERVICE CONTAINER --json``: with ``confirm`` or ``apply``."""

    result: Literal["asked", "adopted", "put_back", "not_ready"]
    service: Name
    container: ContainerPart
    interrupts: float | None = Field(description="Seconds, at most.")
    kept: list[dict[str, str]]
    remarks: list[str]


class HandedOutput(Envelope):
    """``reconciler adopt ENV --json`` where another source kept the environment."""

    result: Literal["asked", "accepted"]
    source: str
    others: list[str]
    lost: list[str]


class WordOutput(Envelope):
    """``reconciler suspend ENV --json`` and ``resume``: what was said."""

    service: str | None
    active: bool
    until: str | None
    reason: str | None
    by: JsonValue


class RetryOutput(Envelope):
    """``reconciler retry ENV --json``: what is tried again."""

    services: list[Name]


class RolloutOutput(Envelope):
    """``reconciler rollout ENV SERVICE --json``: where the canary stands."""

    service: Name
    generation: str
    step: int
    of: int
    weight: int | None = Field(description="Percent of the requests.")
    state: str
    by: str

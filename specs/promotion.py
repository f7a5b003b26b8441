"""How an environment takes what another has proved: the word ``promotion`` of an Environment."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from specs.gate_check import Check
from specs.gate_times import Freeze, Window
from specs.model import Duration, Model

Signer = Annotated[str, StringConstraints(pattern=r"^[^\s\x00-\x1f\x7f,]{1,254}$")]
Login = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]


class Gates(Model):
    """What must hold before a promotion."""

    soak: Duration = Field(
        default=0.0,
        description="How long the instances that serve now have been healthy where it was proved.",
        examples=["1h"],
    )
    instances: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=1, description="How many of a service are healthy there, at least."
    )
    approvals: Annotated[int, Field(ge=0, le=20)] = Field(
        default=0, description="How many must have signed the commit of the promotion, or approved its merge."
    )
    approvers: Annotated[tuple[Signer, ...], Field(max_length=200)] = Field(
        default=(),
        description="Whose signatures count, as the keys name them; default: everybody whose key is known.",
        examples=[["alice@example.com"]],
    )
    reviewers: Annotated[tuple[Login, ...], Field(max_length=200)] = Field(
        default=(),
        description="Whose reviews at the forge count, by login; never that of the author.",
        examples=[["alice"]],
    )
    checks: Annotated[tuple[Check, ...], Field(max_length=20)] = Field(
        default=(),
        description="What must be well.",
        examples=[[{"name": "smoke", "http": "https://dev.example.com/healthz"}]],
    )
    windows: Annotated[tuple[Window, ...], Field(max_length=50)] = Field(
        default=(),
        description="When promotions may happen; default: always.",
        examples=[[{"days": ["mon"], "from": "09:00", "until": "17:00", "timezone": "Europe/Berlin"}]],
    )
    freezes: Annotated[tuple[Freeze, ...], Field(max_length=50)] = Field(
        default=(),
        description="When none may happen.",
        examples=[[{"from": "2026-12-20", "until": "2027-01-03", "reason": "holidays"}]],
    )

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        names = [check.name for check in self.checks]
        if len(names) != len(set(names)):
            raise ValueError("expected checks of different names")
        if not self.approvals and (self.approvers or self.reviewers):
            raise ValueError("expected approvals: 1, or more, with approvers and reviewers")
        if self.approvers and max(len(set(self.approvers)), len(set(self.reviewers))) < self.approvals:
            raise ValueError("expected as many approvers, or reviewers, as approvals")
        return self


class Promotion(Model):
    """How this environment takes what the one that it follows has proved."""

    mode: Literal["manual", "auto"] = Field(
        default="manual", description="auto: the loop promotes, as soon as the gates let it."
    )
    write: Literal["commit", "branch"] = Field(
        default="commit", description="branch: on a branch of its own, to be reviewed and merged."
    )
    hotfix: Literal["refuse", "allow"] = Field(
        default="refuse", description="allow: promote --commit may go past the environment that it follows."
    )
    gates: Gates = Field(default=Gates(), description="What must hold before.")

    @model_validator(mode="after")
    def _is_approved_by_others(self) -> Self:
        gates = self.gates
        if self.mode == "auto" and gates.approvals and not (gates.approvers or gates.reviewers):
            raise ValueError("expected approvers or reviewers with mode: auto: its own signature would count")
        return self

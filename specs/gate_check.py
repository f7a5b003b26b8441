"""A check among the gates of a promotion: a page, a command, or what a forge says of a commit."""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from specs.hook import Command
from specs.model import Duration, Model, Name, parse_duration
from specs.run_results import Target

MOST_CHECKED: Final = 600.0
"""Seconds that one check may take."""
StatusName = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,255}$")]


def refuse_long(seconds: float) -> float:
    """Whoever promotes waits for a check. Raises ValueError."""
    if not 0 < seconds <= MOST_CHECKED:
        raise ValueError("expected a time of at most 10m")
    return seconds


CheckTime = Annotated[Duration, AfterValidator(refuse_long)]


class Check(Model):
    """Something that must be well before a promotion: a page, a command, or what a forge says of a commit."""

    name: Name = Field(description="How the evidence calls it.", examples=["smoke"])
    http: Target | None = Field(
        default=None,
        description="A page that is asked for: https, or http to this machine itself.",
        examples=["https://dev.example.com/healthz"],
    )
    status: Annotated[int, Field(ge=100, le=599)] | None = Field(
        default=None, description="Of http: the status that it answers with; default: 200.", examples=[200]
    )
    contains: Annotated[str, Field(min_length=1, max_length=1000)] | None = Field(
        default=None, description="Of http: text in the first 64 KiB of the answer.", examples=["ready"]
    )
    command: Command | None = Field(
        default=None,
        description="A command in a container of the promoted image, on the target's engine, without "
        "networks, secrets and volumes; exit code 0 is well.",
        examples=[["bin/check", "--offline"]],
    )
    service: Name | None = Field(
        default=None,
        description="Of command: in the image of this service alone; default: of each that is promoted.",
        examples=["web"],
    )
    commit_status: StatusName | None = Field(
        default=None,
        description="A status or a check run of the promoted commit at its forge.",
        examples=["ci/test"],
    )
    timeout: CheckTime | None = Field(
        default=None,
        description="How long it may take; default: 10s, for a command 5m. At most 10m.",
        examples=["30s"],
    )

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        kinds = [self.http is not None, self.command is not None, self.commit_status is not None]
        if sum(kinds) != 1:
            raise ValueError("expected exactly one of http, command and commit_status")
        if self.http is None and not (self.status is None and self.contains is None):
            raise ValueError("expected status and contains with http only")
        if self.command is None and self.service is not None:
            raise ValueError("expected service with command only")
        return self

    @property
    def seconds(self) -> float:
        """How long it may take."""
        return self.timeout or parse_duration("10s" if self.command is None else "5m")

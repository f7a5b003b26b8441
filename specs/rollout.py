"""How a new generation replaces the old one: the word ``rollout`` of a Service. Times are seconds."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from specs.model import Duration, Model

Strategy = Literal["rolling", "blue-green", "canary", "recreate"]


class Step(Model):
    """One step of a canary: the share of traffic that the new generation gets, and for how long."""

    weight: Annotated[int, Field(ge=1, le=99)] = Field(description="Percent of the requests.")
    pause: Duration | None = Field(
        default=None, description="Time until the next step; without it, until `reconciler rollout --next`."
    )


class Rollout(Model):
    """How a new generation replaces the old one."""

    strategy: Strategy = Field(
        default="rolling",
        description="rolling: one by one; blue-green: the whole set beside, then one switch; canary: by "
        "weights and steps; recreate: all stop, then all start.",
    )
    order: Literal["start-first", "stop-first"] | None = Field(
        default=None, description="Whether the new one starts before the old one stops."
    )
    max_surge: Annotated[int, Field(ge=1, le=100)] = Field(
        default=1, description="How many instances there may be beyond replicas."
    )
    max_unavailable: Annotated[int, Field(ge=0, le=1000)] | None = Field(
        default=None, description="How many may be missing; default: 0, or 1 with stop-first."
    )
    steps: Annotated[tuple[Step, ...], Field(max_length=20)] = Field(
        default=(), description="Of a canary; the weights rise.", examples=[[{"weight": 10, "pause": "1m"}]]
    )
    deadline: Duration | None = Field(
        default=None,
        description="Time within which an instance must be ready; default: 2m, or longer where its health "
        "check may take longer to decide.",
        examples=["3m"],
    )
    progress: Duration | None = Field(
        default=None,
        description="Time without any step after which a rollout is told to be stuck; default: 10m.",
        examples=["15m"],
    )
    drain: Duration = Field(
        default=30.0, description="Time that requests get to end before an old instance is stopped."
    )
    drain_streams: Duration = Field(
        default=60.0, description="Time that WebSockets and event streams get to end."
    )
    monitor: Duration | None = Field(
        default=None,
        description="Time for which a new generation is watched before it counts as proved; default: 10s, or "
        "as long as its health check takes to fail.",
        examples=["30s"],
    )
    on_failure: Literal["rollback", "hold"] = Field(
        default="rollback", description="hold leaves everything as it is."
    )

    @model_validator(mode="after")
    def _steps_are_of_a_canary(self) -> Self:
        if self.steps and self.strategy != "canary":
            raise ValueError("expected steps with strategy: canary only")
        weights = [step.weight for step in self.steps]
        if weights != sorted(set(weights)):
            raise ValueError("expected weights that rise from step to step")
        return self

    @property
    def canary_steps(self) -> tuple[Step, ...]:
        """The steps of a canary, those that hold where none is written."""
        return self.steps or _STEPS


_STEPS = (Step(weight=10, pause=60.0), Step(weight=50, pause=60.0))

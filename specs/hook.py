"""What runs around a rollout, written under ``hooks`` of a Service: before it, after it, and before a stop.

The first two run once a generation, in a container of their own that is made like an instance of it; the
third runs in the instance that is about to be stopped.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from specs.model import Duration, Model, Text

_TIME = "How long it may take; then it is stopped and has failed."


def refuse_nothing(words: tuple[str, ...]) -> tuple[str, ...]:
    """A hook is something to run. Raises ValueError."""
    if not words:
        raise ValueError("expected at least one word")
    return words


Command = Annotated[
    tuple[Text, ...],
    Field(max_length=256, description="A command line, or a list of its words."),
    AfterValidator(refuse_nothing),
]


class PreDeploy(Model):
    """What must succeed before the first instance of a new generation is made, such as a migration."""

    command: Command = Field(examples=[["bin/migrate", "up"]])
    timeout: Duration = Field(default=600.0, description=_TIME)
    idempotent: bool = Field(
        default=False, description="It may run again by itself where it was killed in the middle."
    )


class PostDeploy(Model):
    """What runs once a new generation has proved itself; its failure is told and undoes nothing."""

    command: Command = Field(examples=[["bin/warm-cache"]])
    timeout: Duration = Field(default=300.0, description=_TIME)


class PreStop(Model):
    """What runs in an instance before it is asked to stop; its failure is told and prevents nothing."""

    command: Command = Field(examples=[["bin/leave-queue"]])
    timeout: Duration = Field(default=30.0, description="How long it may take; then the stop goes on.")


class Hooks(Model):
    """The hooks of a service."""

    pre_deploy: PreDeploy | None = Field(
        default=None,
        description="Runs once before the first instance of a new generation, and must succeed.",
        examples=[{"command": ["bin/migrate", "up"], "timeout": "10m"}],
    )
    post_deploy: PostDeploy | None = Field(
        default=None,
        description="Runs once when a new generation has proved itself.",
        examples=[{"command": ["bin/warm-cache"]}],
    )
    pre_stop: PreStop | None = Field(
        default=None,
        description="Runs in an instance before it is stopped.",
        examples=[{"command": ["bin/leave-queue"]}],
    )

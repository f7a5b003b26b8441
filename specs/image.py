"""Kind Image: how an image of this repository is built and where it is pushed."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from specs.model import Model, Name, Text

Platform = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+/[a-z0-9_]+(/v[0-9]+)?$")]
RepositoryPath = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([._/-][a-z0-9]+)*$", max_length=200)]
ArgName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]


class NamedContext(Model):
    """An additional build context: another Image of this repository."""

    image: Name


class Build(Model):
    """What the builder is given. ``context`` and ``dockerfile`` are relative: the first to the
    repository's root, the second to the context."""

    context: str = Field(default=".", description="Folder of the build context, from the repository's root.")
    dockerfile: str = Field(default="Dockerfile", description="The Dockerfile, from the context's folder.")
    target: str | None = Field(default=None, description="The stage to build; the last one when absent.")
    args: dict[ArgName, Text] = Field(default={}, description="Values of declared build arguments.")
    platforms: tuple[Platform, ...] = Field(
        default=(), description="Platforms; the builder's own when empty."
    )
    contexts: dict[Name, NamedContext] = Field(
        default={}, description="Images of ours that it builds on, by name."
    )
    secrets: tuple[Name, ...] = Field(default=(), description="Secrets for RUN --mount=type=secret, by id.")


class Image(Model):
    """An image built from this repository and pushed to a registry."""

    registry: Name = Field(description="The Registry document that says where it lives.")
    repository: RepositoryPath = Field(description="The repository below the registry's URL.")
    build: Build

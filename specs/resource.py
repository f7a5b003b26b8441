"""Kinds Network, Volume, Config and Secret: Compose's top-level fields."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from specs.model import Model, Text
from specs.service import LabelName

Subnet = Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F.:]+/[0-9]{1,3}$")]
ObjectName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$")]


class Network(Model):
    """A network of the environment, or one that exists already (``external``)."""

    driver: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")] = "bridge"
    driver_opts: dict[str, Text] = Field(default={}, description="Options of the bridge driver.")
    internal: bool = Field(default=False, description="Without a way out.")
    subnet: Subnet | None = Field(default=None, description="Addresses, such as 10.10.0.0/24.")
    labels: dict[LabelName, Text] = Field(default={}, description="Labels of the network.")
    external: bool = Field(default=False, description="It exists already and is not ours.")
    name: ObjectName | None = Field(default=None, description="external only: the object's own name.")


class Volume(Model):
    """A data volume: never recreated, never removed by the loop."""

    driver: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")] = "local"
    driver_opts: dict[str, Text] = Field(
        default={}, description="type, o and device; a host path needs allow.host_mounts."
    )
    labels: dict[LabelName, Text] = Field(default={}, description="Labels of the volume.")
    external: bool = Field(default=False, description="It exists already and is not ours.")
    name: ObjectName | None = Field(default=None, description="external only: the object's own name.")


class Config(Model):
    """Files from git: a file or folder of the same commit, or the content itself."""

    file: str | None = Field(default=None, description="A file or folder, from the repository's root.")
    content: str | None = Field(default=None, description="The content of one file.")

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if (self.file is None) == (self.content is None):
            raise ValueError("expected either file or content")
        return self


class Secret(Model):
    """A secret that a service gets as a file; its value lives outside git."""

    description: str = Field(default="", description="For people.")

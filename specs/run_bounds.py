"""What the documents of one repository may say in a loop, whatever is pushed to it (contracts, section 9)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from specs.allow import Allowed
from specs.environment import BuilderName, EndpointText
from specs.model import Model, Name

Origin = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,252}(:[0-9]{1,5})?$")]
ObjectName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$")]


class RegistryBound(Model):
    """What a registry may be sent."""

    secrets: tuple[Name, ...] = Field(
        default=(), description="The secrets that it may be sent as a password."
    )
    docker: bool = Field(
        default=False, description="Whether auth: docker may take the docker client's own login for it."
    )


class Bounds(Model):
    """What is granted; everything else is refused."""

    project: Name | None = Field(
        default=None, description="The project of its environments; default: the name of this entry."
    )
    endpoints: tuple[EndpointText, ...] = Field(
        default=(), description="Engines besides this machine's own.", examples=[["ssh://deploy@prod-1"]]
    )
    builders: tuple[BuilderName, ...] = Field(default=(), description="buildx builders besides the engine.")
    registries: dict[Origin, RegistryBound] = Field(
        default={},
        description="Registry hosts, and what each may be sent; local needs none.",
        examples=[{"registry.example.com": {"secrets": ["registry-password"]}}],
    )
    allow: Allowed = Field(default=Allowed(), description="The most that an Environment's allow may give.")
    external: tuple[ObjectName, ...] = Field(
        default=(), description="Networks and volumes of others, by their names on the engine."
    )


AnyBounds = Bounds | Literal["any"]
"""``any``: who may push to the policy ref may do what who runs the loop may do."""

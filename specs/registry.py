"""Kind Registry: where images live."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from specs.model import Model, PortNumber, SecretRef, Text


class Login(Model):
    """User name and password for a registry."""

    username: Text
    password: SecretRef


class Registry(Model):
    """An OCI registry, or ``local``: the Distribution registry run beside the services on loopback."""

    provider: Literal["oci", "local"] = Field(
        default="oci", description="oci: any registry; local: one that we run."
    )
    url: Annotated[str, StringConstraints(max_length=512)] | None = Field(
        None, description="Host, port and path prefix, for example registry.example.com/shop."
    )
    auth: Login | Literal["docker"] | None = Field(
        None, description="A login, or docker for the docker client's own configuration."
    )
    port: PortNumber | None = Field(
        None, description="local only: the loopback port; by default from the project."
    )
    image: Annotated[str, StringConstraints(max_length=512)] = Field(
        default="registry:2", description="local only: the image of the Distribution registry."
    )

    @model_validator(mode="after")
    def _fits_its_provider(self) -> Self:
        if (self.url is None) == (self.provider == "oci"):
            raise ValueError("expected url with provider oci, and none with provider local")
        if self.provider == "oci" and (self.port or "image" in self.model_fields_set):
            raise ValueError("expected port and image with provider local only")
        return self

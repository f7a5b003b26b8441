"""What the documents of one repository may say in a loop, whatever is pushed to it (contracts, section 9)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from specs.allow import Allowed
from specs.environment import BuilderName, EndpointText
from specs.model import Model, Name, Text
from specs.route import RouteHost

Origin = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,252}(:[0-9]{1,5})?$")]
ObjectName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$")]

Listen = Annotated[
    Text, StringConstraints(pattern=r"^(([0-9.]{7,15}|\[[0-9a-fA-F:.]{2,45}\]):)?[1-9][0-9]{0,4}$")
]
"""A port, or an address and a port."""


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
    hosts: tuple[RouteHost, ...] = Field(
        default=(),
        description="Host names of routes; *.example.com is every name below example.com.",
        examples=[["shop.example.com", "*.shop.example.com"]],
    )
    listen: tuple[Listen, ...] = Field(
        default=(),
        description="Ports of the host that the proxy of routes may listen on; with an address, there alone.",
        examples=[[80, 443, "10.0.0.2:8080"]],
    )

    def grants_host(self, host: str) -> bool:
        """Whether a route may have this host, which may be ``*.`` and one."""
        return any(host == it or (it.startswith("*.") and host.endswith(it[1:])) for it in self.hosts)

    def grants_listen(self, address: str | None, port: int) -> bool:
        """Whether the proxy may listen there; ``address`` None is all of the host's."""
        return str(port) in self.listen or place_of(address, port) in self.listen


def place_of(address: str | None, port: int) -> str:
    """A port as ``listen`` has it."""
    if address is None:
        return str(port)
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


AnyBounds = Bounds | Literal["any"]
"""``any``: who may push to the policy ref may do what who runs the loop may do."""

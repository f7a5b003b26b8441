"""Kinds Network, Volume, Config and Secret: Compose's top-level fields."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from specs.model import Model, Text
from specs.privilege import Address
from specs.service import LabelName

ObjectName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$")]


def read_network(text: str) -> str:
    """Addresses in the one way that the engine writes them. Raises ValueError."""
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise ValueError("expected a subnet such as 10.10.0.0/24 or fd00:10::/64") from None


Subnet = Annotated[
    str, StringConstraints(pattern=r"^[0-9a-fA-F.:]+/[0-9]{1,3}$"), AfterValidator(read_network)
]


class Pool(Model):
    """A range of addresses of a network."""

    subnet: Subnet
    gateway: Address | None = None
    ip_range: Subnet | None = None
    aux_addresses: dict[str, Address] = {}

    @model_validator(mode="after")
    def _lies_within(self) -> Self:
        subnet = ipaddress.ip_network(self.subnet)
        addresses = [self.gateway, *self.aux_addresses.values()]
        if any(address and ipaddress.ip_address(address) not in subnet for address in addresses):
            raise ValueError("expected addresses within the subnet")
        within = ipaddress.ip_network(self.ip_range) if self.ip_range else subnet
        if within.version != subnet.version or within.network_address not in subnet:
            raise ValueError("expected an ip_range within the subnet")
        return self


class Ipam(Model):
    """Which addresses a network gives out."""

    driver: Literal["default"] = "default"
    config: tuple[Pool, ...] = ()


class Network(Model):
    """A network of the environment, or one that exists already (``external``)."""

    driver: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")] = "bridge"
    driver_opts: dict[str, Text] = Field(default={}, description="Options of the bridge driver.")
    internal: bool = Field(default=False, description="Without a way out.")
    subnet: Subnet | None = Field(default=None, description="Addresses, such as 10.10.0.0/24.")
    ipam: Ipam | None = Field(
        default=None,
        description="Addresses, with gateway and range.",
        examples=[{"config": [{"subnet": "10.10.0.0/24", "gateway": "10.10.0.1"}]}],
    )
    enable_ipv6: bool = Field(default=False, description="IPv6 addresses, too.")
    attachable: bool = Field(default=False, description="Others may attach containers by hand.")
    labels: dict[LabelName, Text] = Field(default={}, description="Labels of the network.")
    external: bool = Field(default=False, description="It exists already and is not ours.")
    name: ObjectName | None = Field(default=None, description="external only: the object's own name.")

    @model_validator(mode="after")
    def _has_one_subnet(self) -> Self:
        if self.subnet is not None and self.ipam is not None and self.ipam.config:
            raise ValueError("expected either subnet or ipam")
        return self

    @property
    def pools(self) -> tuple[Pool, ...]:
        """Its ranges of addresses, however they are written."""
        if self.subnet is not None:
            return (Pool(subnet=self.subnet),)
        return self.ipam.config if self.ipam is not None else ()


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

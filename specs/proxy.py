"""The proxy of an environment: the word ``proxy`` of an Environment."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from specs.model import Model, PortNumber, SecretRef, Text
from specs.route import RouteHost

EDGE = "reconciler-edge"
"""The proxy that the outside reaches, as a service."""
INNER = "reconciler-inner"
"""The proxy that neighbours reach under the names of the routed services, as a service."""
PROXIES = (EDGE, INNER)
OWN = "reconciler-proxy"
"""The network and the volume of the proxies: no document may have this name where there are routes."""
PLACE = "/run/reconciler"
"""Where the volume is mounted in a proxy."""


class Certificate(Model):
    """A certificate of our own for some hosts: PEM texts of secrets."""

    hosts: tuple[RouteHost, ...] = Field(min_length=1)
    certificate: SecretRef = Field(description="The certificate, with its chain.")
    key: SecretRef = Field(description="Its private key.")


class Proxy(Model):
    """What receives the requests for services with a ``route``."""

    image: Annotated[str, Field(min_length=1, max_length=512)] = Field(
        default="caddy:2", description="An image of Caddy 2.11.2 or newer, with a shell."
    )
    address: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F.:]{2,45}$")] | None = Field(
        default=None, description="The address of the host that it listens on; default: all."
    )
    http: PortNumber = Field(default=80, description="The port of the host for http.")
    https: PortNumber | Literal["none"] = Field(
        default=443, description="The port of the host for https; none for plain http alone."
    )
    issuer: Literal["acme", "internal"] = Field(
        default="acme", description="Who signs certificates; internal is an authority of the proxy's own."
    )
    email: Annotated[Text, StringConstraints(pattern=r"^[^@\s{}]{1,64}@[^@\s{}]{1,255}$")] | None = Field(
        default=None, description="Told to the authority."
    )
    redirect: bool = Field(default=True, description="http is answered with a redirect to https.")
    certificates: Annotated[tuple[Certificate, ...], Field(max_length=100)] = Field(
        default=(), description="Certificates of our own; their hosts get no others."
    )
    trusted_proxies: tuple[
        Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F.:]{2,45}(/[0-9]{1,3})?$")], ...
    ] = Field(default=(), description="Networks in front of us whose X-Forwarded-For is believed.")

    @model_validator(mode="after")
    def _listens_apart(self) -> Self:
        if self.http == self.https:
            raise ValueError("expected two ports, one for http and one for https")
        return self


def secrets_of(certificate: Certificate) -> tuple[str, str]:
    """The names of its secrets: the certificate's, then the key's."""
    return certificate.certificate.secret, certificate.key.secret

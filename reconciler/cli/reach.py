"""How the engine of one environment is reached: by what its document says, or by what a person's docker uses.

``RECONCILER_ENDPOINT_<ENVIRONMENT>`` replaces how, before the document's endpoint; only where neither names
one do DOCKER_HOST and docker contexts count. Nothing is connected here before the first call.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from reconciler.cli.envelope import Stop, failure
from reconciler.cli.exits import REFUSED
from reconciler.clients import Place
from reconciler.desired import Desired
from reconciler.provider import Refused
from reconciler.secrets import SecretStore, SecretUnreadable
from specs.environment import EngineSecrets
from specs.environment import Runtime as RuntimeSpec
from specs.model import SecretRef

if TYPE_CHECKING:
    from providers.docker.contexts import Chosen
    from providers.docker.endpoint import Material
    from providers.docker.line import Line


@dataclass
class Reach:
    """The way to one environment's engine, shared by all that uses it: one connection for one command."""

    environment_name: str
    spec: RuntimeSpec
    secrets: SecretStore
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)
    personal: bool = True
    """Whether a person typed the command, whose docker and ssh settings count; a loop has none."""

    @cached_property
    def chosen(self) -> Chosen:
        """The endpoint and what named it. Raises Refused."""
        from providers.docker.contexts import Chosen, find_engine
        from providers.docker.endpoint import DEFAULT_SOCKET, SocketEndpoint, read_endpoint

        variable = endpoint_variable(self.environment_name)
        given, origin = self.environ.get(variable), variable
        if not given:
            given, origin = self.spec.endpoint, "runtime.endpoint"
        if not given:
            return find_engine(self.environ) if self.personal else Chosen(SocketEndpoint(DEFAULT_SOCKET))
        material = self._material(given) if given.startswith("tcp://") and self.spec.tls != "plain" else None
        return Chosen(read_endpoint(given, material, plain=self.spec.tls == "plain"), origin)

    @cached_property
    def line(self) -> Line:
        """The line to it. Raises Refused."""
        from providers.docker.lines import open_line

        return open_line(self.chosen.endpoint, personal=self.personal)

    def place(self) -> Place:
        """What is said of it where it is not this machine's usual engine; nothing where it cannot be told,
        which its first use says."""
        from providers.docker.endpoint import is_remote

        try:
            chosen = self.chosen
        except Refused:
            return Place()
        name = str(chosen.endpoint) if chosen.origin else ""
        return Place(name, chosen.origin, is_remote(chosen.endpoint))

    def _material(self, endpoint: str) -> Material:
        from providers.docker.contexts import config_folder, read_material
        from providers.docker.endpoint import Material, shown

        tls = self.spec.tls
        if not isinstance(tls, EngineSecrets):
            return read_material(shown(endpoint), config_folder(self.environ))
        ca, certificate, key = (self._secret(endpoint, ref) for ref in (tls.ca, tls.certificate, tls.key))
        return Material(ca, certificate, key)

    def _secret(self, endpoint: str, ref: SecretRef) -> bytes:
        from providers.docker.endpoint import shown

        try:
            value = self.secrets.value(ref.secret)
        except SecretUnreadable as error:
            raise Refused("SEC001", f"secret {ref.secret}", error.reason, "a readable value") from None
        if value is None:
            raise Refused(
                "SEC002",
                f"Environment {self.environment_name}, {shown(endpoint)}",
                f"secret {ref.secret} has no value here",
                "the PEM text that runtime.tls names",
                f"put it into {self.secrets.folder}/{self.secrets.owner}/{ref.secret}",
            )
        return value.encode()


def endpoint_variable(environment_name: str) -> str:
    """The variable that replaces how the engine of an environment is reached."""
    return f"RECONCILER_ENDPOINT_{environment_name.upper().replace('-', '_')}"


def check_registries(desired: Desired, place: Place) -> None:
    """Refuse to push to, or to let an engine elsewhere pull from, a registry on this machine's loopback.
    Raises Stop."""
    if not place.is_remote or not desired.registries:
        return
    names = ", ".join(sorted(desired.registries))
    problem = failure(
        "CLI012",
        f"Registry {names}",
        f"a local registry, and an engine on another machine ({place.name})",
        "a registry that both can reach",
        "give the environment another one: registries: {NAME: OTHER}",
    )
    raise Stop(REFUSED, (problem,), desired.owner, desired.commit)

"""Clients and logins of registries: by the Registry document whose URL a reference begins with."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.provider import Login, Refused, Registry
from reconciler.secrets import SecretStore, SecretUnreadable
from specs.reference import ImageRef
from specs.registry import Registry as RegistrySpec

if TYPE_CHECKING:
    from pathlib import Path

    from providers.oci import OciRegistry


@dataclass(slots=True)
class Registries:
    """One client a Registry document, else one a host, kept open. A reference that no document covers is
    read anonymously: nothing but a document decides where a credential goes."""

    specs: Mapping[str, RegistrySpec]
    secrets: SecretStore
    _clients: dict[str, OciRegistry] = field(default_factory=dict)

    async def open(self, ref: ImageRef) -> Registry:
        """The client for a reference. Raises ProviderError."""
        from providers.oci import open_registry

        name = self._name(ref)
        key = name or ref.host
        if key not in self._clients:
            login, config = self._login(name), self._docker_config(name)
            self._clients[key] = open_registry(ref.host, login, docker_config=config)
        return self._clients[key]

    async def login(self, ref: ImageRef) -> Login | None:
        """The login with which an engine pulls a reference. Raises ProviderError."""
        name = self._name(ref)
        config = self._docker_config(name)
        if config is None:
            return self._login(name)
        from providers.oci.credentials import read_docker_config

        found = await read_docker_config(config, ref.host)
        return found if isinstance(found, Login) else None

    def logins(self) -> dict[str, Login]:
        """Every login that is known here, by registry host, for builds. What has no value is left out: the
        registry itself is asked for first, and that says what is missing."""
        found: dict[str, Login] = {}
        for name, spec in self.specs.items():
            try:
                login = self._login(name)
            except Refused:
                continue
            if login is not None and spec.url:
                found[ImageRef.parse(f"{_prefix(spec.url)}/x").host] = login
        return found

    async def close(self) -> None:
        """Close all connections."""
        clients = list(self._clients.values())
        self._clients.clear()
        await asyncio.gather(*(client.aclose() for client in clients))

    def _name(self, ref: ImageRef) -> str | None:
        """The document whose URL is the longest beginning of the reference."""
        covering = [
            (len(prefix), name)
            for name, spec in self.specs.items()
            if spec.url and _covers(prefix := _prefix(spec.url), ref)
        ]
        return max(covering)[1] if covering else None

    def _login(self, name: str | None) -> Login | None:
        auth = self.specs[name].auth if name else None
        if auth is None or auth == "docker":
            return None
        secret_name = auth.password.secret
        try:
            password = self.secrets.value(secret_name)
        except SecretUnreadable as error:
            raise Refused("SEC001", f"secret {secret_name}", error.reason, "a readable value") from None
        if password is None:
            raise Refused(
                "SEC002",
                f"Registry {name}",
                f"secret {secret_name} has no value here",
                "the password of the login",
                f"put it into {self.secrets.folder}/{self.secrets.owner}/{secret_name}",
            )
        return Login(auth.username, password)

    def _docker_config(self, name: str | None) -> Path | None:
        if name is None or self.specs[name].auth != "docker":
            return None
        from providers.oci.credentials import default_docker_config

        return default_docker_config()


def _prefix(url: str) -> str:
    host, slash, path = url.removeprefix("https://").rstrip("/").partition("/")
    return ImageRef.parse(f"{host}/{path}{slash}x").name.removesuffix("/x")


def _covers(prefix: str, ref: ImageRef) -> bool:
    return ref.name == prefix or ref.name.startswith(prefix + "/")

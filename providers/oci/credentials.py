"""Logins for a registry host: given in the spec, or found where the docker client keeps its own.

The docker client's ``config.json`` names, for a host, a credential program (``credHelpers``, else
``credsStore``) or holds the login itself (``auths``). Nothing here is printed: errors name the file, the host
and the program, never what they said.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from providers.oci.credential_program import ask_program
from providers.oci.faults import DOCKER_CONFIG
from providers.oci.strict_json import as_object, parse_object
from reconciler.provider import Login
from specs.reference import DEFAULT_HOST

_HUB = "https://index.docker.io/v1/"
_HUB_NAMES = frozenset({DEFAULT_HOST, "index.docker.io", "registry-1.docker.io"})
_API_PATHS = frozenset({"", "v1", "v2"})
_MAX_FILE = 1 << 20


@dataclass(frozen=True, slots=True)
class IdentityToken:
    """A refresh token, good for the token service only; ``token`` is a secret and never printed."""

    token: str = field(repr=False)


Credential = Login | IdentityToken
CredentialSource = Callable[[], Awaitable[Credential | None]]
"""Asked when a registry first wants a login, and again when it refuses the one it got."""


def default_docker_config() -> Path:
    """Where the docker client keeps its configuration: ``$DOCKER_CONFIG``, else ``~/.docker``."""
    folder = os.environ.get("DOCKER_CONFIG")
    return (Path(folder) if folder else Path.home() / ".docker") / "config.json"


def credential_source(host: str, login: Login | None, docker_config: Path | None) -> CredentialSource:
    """The login itself, else what the docker client's configuration has for ``host``, else anonymous."""

    async def find() -> Credential | None:
        if login is not None or docker_config is None:
            return login
        return await read_docker_config(docker_config, host)

    return find


async def read_docker_config(path: Path, host: str, *, deadline: float = 30.0) -> Credential | None:
    """What a docker client with the config.json ``path`` (or its folder) would log in to ``host`` with.

    None when there is no file or nothing for the host. ``deadline`` bounds a credential program, in seconds.
    Raises Refused for a file that is no such configuration, ProviderError when the program fails.
    """
    file = _config_file(path)
    try:
        document = _read(file)
        program = _program(document, host)
        entry = _entry(document, host)
    except ValueError as error:
        raise _unreadable(file, str(error)) from None
    found = await ask_program(program, _address(host), deadline) if program else None
    if found is not None:
        username, secret = found
        return IdentityToken(secret) if username == "<token>" else Login(username, secret)
    try:
        return _stored(entry)
    except ValueError as error:
        raise _unreadable(file, f"{error} in the entry for {host}") from None


def _config_file(path: Path) -> Path:
    return path / "config.json" if path.is_dir() else path


def _read(file: Path) -> Mapping[str, object]:
    try:
        with file.open("rb") as stream:
            text = stream.read(_MAX_FILE + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ValueError(error.strerror or "an unreadable file") from None
    if len(text) > _MAX_FILE:
        raise ValueError("more than 1 MiB")
    return parse_object(text)


def _unreadable(file: Path, seen: str) -> Exception:
    return DOCKER_CONFIG.final(str(file), seen, "the docker client's config.json")


def _names(host: str) -> frozenset[str]:
    return _HUB_NAMES if host in _HUB_NAMES else frozenset({host.lower()})


def _address(host: str) -> str:
    """The name under which credential programs keep a host."""
    return _HUB if host in _HUB_NAMES else host


def _matching(table: Mapping[str, object], host: str) -> Iterator[object]:
    """Values whose key means ``host``, exact keys first: ``host``, or a URL of its API."""
    if _address(host) in table:
        yield table[_address(host)]
    for key, value in table.items():
        named, _, path = key.removeprefix("https://").removeprefix("http://").partition("/")
        if named.lower() in _names(host) and path.strip("/") in _API_PATHS:
            yield value


def _table(document: Mapping[str, object], key: str) -> Mapping[str, object]:
    table = document.get(key)
    return {} if table is None else as_object(table)


def _program(document: Mapping[str, object], host: str) -> str | None:
    chosen = next(_matching(_table(document, "credHelpers"), host), None)
    program = chosen or document.get("credsStore") or None
    if program is not None and not isinstance(program, str):
        raise ValueError("a credential program that is not named by text")
    return program


def _entry(document: Mapping[str, object], host: str) -> Mapping[str, object]:
    entries = [as_object(entry) for entry in _matching(_table(document, "auths"), host)]
    return next((entry for entry in entries if entry), {})


def _stored(entry: Mapping[str, object]) -> Credential | None:
    token = _text(entry, "identitytoken")
    if token:
        return IdentityToken(token)
    username, password = _text(entry, "username"), _text(entry, "password")
    if packed := _text(entry, "auth"):
        username, password = _unpack(packed)
    return Login(username, password) if username else None


def _unpack(packed: str) -> tuple[str, str]:
    try:
        username, colon, password = base64.b64decode(packed, validate=True).decode().partition(":")
    except ValueError:
        raise ValueError("an auth that is not base64 of name:password") from None
    if not colon:
        raise ValueError("an auth that is not base64 of name:password")
    return username, password.strip("\0")


def _text(entry: Mapping[str, object], key: str) -> str:
    value = entry.get(key) or ""
    if not isinstance(value, str):
        raise ValueError(f"a {key} that is no text")
    return value

"""Where the docker client of a person would look for the engine: DOCKER_HOST, a context, the usual socket.

In docker's own order: DOCKER_HOST before DOCKER_CONTEXT, before the current context of ``config.json``. What
is named and cannot be read is an error: the next in line could be another engine than the person means.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from providers.docker.endpoint import (
    DEFAULT_SOCKET,
    Endpoint,
    Material,
    SocketEndpoint,
    read_endpoint,
    shown,
    unencrypted,
)
from reconciler.provider import Refused

_MAX_FILE = 1 << 20
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.+-]{0,254}")
_PEM = {"ca": "ca.pem", "certificate": "cert.pem", "key": "key.pem"}


@dataclass(frozen=True, slots=True)
class Chosen:
    """An endpoint, and what named it; ``origin`` is empty for the usual socket of this machine."""

    endpoint: Endpoint
    origin: str = ""

    def __str__(self) -> str:
        return f"{self.endpoint} ({self.origin})" if self.origin else str(self.endpoint)


def find_engine(environ: Mapping[str, str]) -> Chosen:
    """What a person's environment and docker client name. Raises Refused."""
    folder = config_folder(environ)
    if host := environ.get("DOCKER_HOST"):
        return Chosen(_from_variables(host, environ, folder), "DOCKER_HOST")
    if name := environ.get("DOCKER_CONTEXT"):
        origin = "DOCKER_CONTEXT"
    else:
        name, origin = _current(folder), f"current context in {folder / 'config.json'}"
    if name in ("", "default"):
        return Chosen(SocketEndpoint(DEFAULT_SOCKET))
    return Chosen(_from_context(folder, name), f"docker context {name}, {origin}")


def config_folder(environ: Mapping[str, str]) -> Path:
    """The docker client's own folder."""
    given = environ.get("DOCKER_CONFIG")
    return Path(given) if given else Path(environ.get("HOME") or Path.home()) / ".docker"


def read_material(where: str, folder: Path) -> Material:
    """The three PEM files of a folder. Raises Refused."""
    contents = {}
    for name, file in _PEM.items():
        try:
            contents[name] = read_small(folder / file)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise Refused(
                "DKR057",
                where,
                f"{folder / file}: {reason}",
                "ca.pem, cert.pem and key.pem for this engine",
                "put the three files there",
            ) from None
    return Material(**contents)


def read_small(path: Path) -> bytes:
    """A regular file of at most 1 MiB. Raises OSError, ValueError."""
    # Not blocking, so that a pipe in its place holds nobody up.
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("not a regular file")
        content = file.read(_MAX_FILE + 1)
    if len(content) > _MAX_FILE:
        raise ValueError("more than 1 MiB")
    return content


def _from_variables(host: str, environ: Mapping[str, str], folder: Path) -> Endpoint:
    if not host.startswith("tcp://"):
        return read_endpoint(host)
    if not environ.get("DOCKER_TLS_VERIFY"):
        if environ.get("DOCKER_TLS") or environ.get("DOCKER_CERT_PATH"):
            raise unencrypted(host)  # said to be TLS, whose other end nobody would check
        return read_endpoint(host, plain=True)
    return read_endpoint(host, read_material(shown(host), Path(environ.get("DOCKER_CERT_PATH") or folder)))


def _current(folder: Path) -> str:
    """The current context; empty where config.json names none, or is not there."""
    path = folder / "config.json"
    try:
        document = _object(read_small(path))
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as error:
        raise _unreadable(str(path), error) from None
    name = document.get("currentContext", "")
    if not isinstance(name, str):
        raise _unreadable(str(path), ValueError("currentContext is not a name"))
    return name


def _from_context(folder: Path, name: str) -> Endpoint:
    where = f"docker context {name[:80]}"
    if not _NAME.fullmatch(name):
        raise _unreadable(where, ValueError("this cannot be the name of a context"))
    digest = hashlib.sha256(name.encode()).hexdigest()
    try:
        document = _object(read_small(folder / "contexts/meta" / digest / "meta.json"))
        endpoint = _object_in(_object_in(document, "Endpoints"), "docker")
        host = endpoint.get("Host")
        if document.get("Name") != name or not isinstance(host, str):
            raise ValueError("its meta.json is of another form than docker's")
    except FileNotFoundError:
        raise _unreadable(where, ValueError("there is no such context")) from None
    except (OSError, ValueError) as error:
        raise _unreadable(where, error) from None
    if endpoint.get("SkipTLSVerify"):
        raise unencrypted(host)
    if not host.startswith("tcp://"):
        return read_endpoint(host or f"unix://{DEFAULT_SOCKET}")
    certificates = folder / "contexts/tls" / digest / "docker"
    if not certificates.exists():
        return read_endpoint(host, plain=True)
    return read_endpoint(host, read_material(where, certificates))


def _object(content: bytes) -> Mapping[str, object]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")
    return found


def _object_in(document: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = document.get(name)
    if not isinstance(found, dict):
        raise ValueError(f"its meta.json has no {name}")
    return found


def _unreadable(where: str, error: Exception) -> Refused:
    return Refused(
        "DKR008",
        where,
        getattr(error, "strerror", None) or str(error),
        "a context with an endpoint for docker",
        "`docker context ls` shows those that there are; `docker context use NAME` chooses one",
    )

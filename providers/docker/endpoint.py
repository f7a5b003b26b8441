"""Where an engine is: behind a socket, behind TLS on a port, or behind ssh. Pure.

An endpoint is text from a spec, a variable or a docker context, and parts of it become words of a command
line: what could be read as an option, or as more than a name, is refused here.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field

from reconciler.fault import Refused

DEFAULT_SOCKET = "/var/run/docker.sock"
TLS_PORT = 2376
PLAIN_PORT = 2375
EXPECTED = "unix:///path, tcp://host:port or ssh://[user@]host[:port][/path/of/the/socket]"

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}")
_PATH = re.compile(r"(?:/[A-Za-z0-9._][A-Za-z0-9._-]{0,90})+")
_ADDRESS = re.compile(
    r"(?:(?P<user>[^@/]*)@)?(?P<host>\[[^\]/]*\]|[^:/\[\]]*)(?::(?P<port>[^/]*))?(?P<path>/.*)?"
)


@dataclass(frozen=True, slots=True)
class Material:
    """What TLS needs, as PEM: the authority that vouches for the engine, our certificate and its key."""

    ca: bytes
    certificate: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SocketEndpoint:
    """A unix socket on this machine."""

    path: str

    def __str__(self) -> str:
        return f"unix://{self.path}"


@dataclass(frozen=True, slots=True)
class TcpEndpoint:
    """A port. Without ``material`` nothing is encrypted, which is for loopback alone."""

    host: str
    port: int
    material: Material | None = None

    def __str__(self) -> str:
        return f"tcp://{bracketed(self.host)}:{self.port}"


@dataclass(frozen=True, slots=True)
class SshEndpoint:
    """A socket on another machine; user and port are ssh's own choice where they are not given."""

    host: str
    user: str | None = None
    port: int | None = None
    path: str = DEFAULT_SOCKET

    def __str__(self) -> str:
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        return f"ssh://{user}{bracketed(self.host)}{port}{'' if self.path == DEFAULT_SOCKET else self.path}"


Endpoint = SocketEndpoint | TcpEndpoint | SshEndpoint


def read_endpoint(text: str, material: Material | None = None, *, plain: bool = False) -> Endpoint:
    """The endpoint that a text means. ``material`` is for tcp; ``plain`` says that tcp may go without it.
    Raises Refused."""
    scheme, _, rest = text.partition("://")
    if scheme == "unix":
        return _socket(text, rest)
    found = _ADDRESS.fullmatch(rest)
    if scheme not in ("tcp", "ssh") or found is None or not text.isascii():
        raise refused(text, f"not an endpoint that is known: {shown(text)}")
    host = _host(text, found["host"])
    if scheme == "ssh":
        user, path = found["user"], found["path"] or ""
        if user is not None and not _USER.fullmatch(user):
            raise refused(text, "the part before @ is not the name of a user")
        if path not in ("", "/") and not is_plain_path(path):
            raise refused(text, "the path is not the plain absolute path of a socket")
        port = _port(text, found["port"], 0) or None
        return SshEndpoint(host, user, port, path if len(path) > 1 else DEFAULT_SOCKET)
    if found["user"] is not None or found["path"] not in (None, "/"):
        raise refused(text, "tcp takes a host and a port, nothing else")
    if material is None and not (plain and is_loopback(host)):
        raise unencrypted(text)
    return TcpEndpoint(host, _port(text, found["port"], TLS_PORT if material else PLAIN_PORT), material)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its own name or number; no name is looked up."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_plain_path(path: str) -> bool:
    """An absolute path without anything that ssh would expand or split."""
    return len(path) <= 100 and _PATH.fullmatch(path) is not None and ".." not in path.split("/")


def is_remote(endpoint: Endpoint) -> bool:
    """Whether the engine may be on another machine, so that its loopback is not ours."""
    if isinstance(endpoint, TcpEndpoint):
        return not is_loopback(endpoint.host)
    return isinstance(endpoint, SshEndpoint)


def bracketed(host: str) -> str:
    """A host as URLs write it."""
    return f"[{host}]" if ":" in host else host


def shown(text: str) -> str:
    """An endpoint for a message: without what stands before @, which may hold a password, and cut."""
    return re.sub(r"//[^/]*@", "//…@", text)[:200]


def refused(text: str, seen: str) -> Refused:
    """An endpoint that is none."""
    return Refused("DKR006", shown(text), seen, EXPECTED, "correct the endpoint")


def unencrypted(text: str) -> Refused:
    """tcp without TLS."""
    return Refused(
        "DKR007",
        shown(text),
        "tcp without certificates: whoever can reach the port is root on its machine",
        "tcp with TLS; plain tcp to loopback only, where runtime.tls says plain",
        "use ssh://, or give certificates: runtime.tls, or DOCKER_TLS_VERIFY=1 with DOCKER_CERT_PATH",
    )


def _socket(text: str, path: str) -> SocketEndpoint:
    if not path.startswith("/") or "\0" in path or len(path.encode()) > 107:
        raise refused(text, "not the absolute path of a socket, of at most 107 bytes")
    return SocketEndpoint(path)


def _host(text: str, host: str) -> str:
    if host.startswith("["):
        try:
            return str(ipaddress.IPv6Address(host[1:-1]))
        except ValueError:
            raise refused(text, "the part in brackets is not an IPv6 address") from None
    if not _HOST.fullmatch(host) or ".." in host:
        raise refused(text, "the host is not a host's name")
    return host


def _port(text: str, port: str | None, otherwise: int) -> int:
    if port is None:
        return otherwise
    if not port.isdecimal() or len(port) > 5 or not 0 < int(port) < 65536:
        raise refused(text, "the port is not a number from 1 to 65535")
    return int(port)

"""Origins and targets of requests: who may be sent what is decided by comparing them.

An origin is scheme, host and port (RFC 6454). Only what was taken apart and checked here is ever requested.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

_PLAIN_URL = re.compile(r"[!-\[\]-~]+")  # printable ASCII but the backslash, which parsers disagree about
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
_PORTS = {"http": 80, "https": 443}
_API_HOSTS = {"docker.io": "registry-1.docker.io"}


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme (http or https), host (lower case, IPv6 without brackets) and port."""

    scheme: str
    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """True for 127.0.0.0/8, ::1 and ``localhost``."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


@dataclass(frozen=True, slots=True)
class Target:
    """What to request: an origin, and path with query, already percent-encoded.

    The query may hold a secret (signed addresses): print the origin, never the target.
    """

    origin: Origin
    path: str

    @property
    def url(self) -> str:
        """The whole address."""
        return f"{self.origin}{self.path}"

    def __repr__(self) -> str:
        return f"Target({self.origin})"

    def with_query(self, name: str, value: str) -> Target:
        """The same target with one more query parameter; ``value`` is already percent-encoded."""
        separator = "&" if "?" in self.path else "?"
        return Target(self.origin, f"{self.path}{separator}{name}={value}")


def parse_target(url: str) -> Target:
    """Take an absolute http or https address apart. Raises ``ValueError``, whose message is safe to print."""
    if not _PLAIN_URL.fullmatch(url):
        raise ValueError("an address with characters that do not belong in one")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("an address whose host or port is malformed") from None
    if parts.scheme not in _PORTS or not _HOST.fullmatch(host):
        raise ValueError("an address that is neither http nor https")
    if "@" in parts.netloc:
        raise ValueError("an address with a login in it")
    origin = Origin(parts.scheme, host, port or _PORTS[parts.scheme])
    query = f"?{parts.query}" if parts.query else ""
    return Target(origin, f"{parts.path or '/'}{query}")


def resolve_target(location: str, seen_from: Target) -> Target:
    """A Location or Link as seen from the address that gave it. Raises ``ValueError``."""
    if not _PLAIN_URL.fullmatch(location):
        raise ValueError("an address with characters that do not belong in one")
    return parse_target(urljoin(seen_from.url, location))


def api_origin(host: str, scheme: str) -> Origin:
    """The origin of the API of the registry that references call ``host``. Raises ``ValueError``."""
    if set(host) & set("/?#"):
        raise ValueError("a host with a path")
    return parse_target(f"{scheme}://{_API_HOSTS.get(host, host)}/").origin

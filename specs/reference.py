"""Image references and digests: parsed once, never validated again.

Grammar: OCI distribution specification 1.1, section "Pulling manifests", and the
familiar-name rules of Docker (``redis`` is ``docker.io/library/redis``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_HOST = re.compile(
    r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])"
    r"(?::[0-9]{1,5})?"
)
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_MAX_NAME = 255
DEFAULT_HOST = "docker.io"


class InvalidReference(ValueError):
    """The text is not an image reference or digest; the message says which part is wrong."""


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A content digest, ``sha256:<64 hex>`` or ``sha512:<128 hex>``."""

    text: str

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Parse ``algorithm:hex``. Raises ``InvalidReference`` on weak or malformed digests."""
        if not _DIGEST.fullmatch(text):
            raise InvalidReference("a digest is sha256:<64 hex digits> or sha512:<128 hex digits>")
        return cls(text)

    @property
    def algorithm(self) -> str:
        """``sha256`` or ``sha512``."""
        return self.text.partition(":")[0]

    @property
    def hex(self) -> str:
        """The hexadecimal part."""
        return self.text.partition(":")[2]

    @property
    def tag(self) -> str:
        """The tag ``d-<32 hex>`` that protects this digest from a registry's garbage collection."""
        return f"d-{self.hex[:32]}"

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True, order=True)
class ImageRef:
    """``host/repository[:tag][@digest]``, fully qualified."""

    host: str
    repository: str
    tag: str | None = None
    digest: Digest | None = None

    @classmethod
    def parse(cls, text: str) -> ImageRef:
        """Parse a reference as people write it (``redis:7``, ``host:5000/a/b@sha256:…``).

        Raises ``InvalidReference``. No default tag is added: ``tag`` and ``digest`` may both be None.
        """
        remainder, _, digest_text = text.partition("@")
        digest = Digest.parse(digest_text) if "@" in text else None
        host, path = _split_host(remainder)
        path, colon, tag = path.partition(":")
        if colon and not _TAG.fullmatch(tag):
            raise InvalidReference("a tag is 1 to 128 letters, digits, '.', '_' or '-'")
        if not _HOST.fullmatch(host):
            raise InvalidReference("the registry host is not a host name with an optional port")
        if not _REPOSITORY.fullmatch(path) or len(path) > _MAX_NAME:
            raise InvalidReference("a repository is lower-case letters, digits, '.', '_', '-' and '/'")
        return cls(host, path, tag or None, digest)

    @property
    def name(self) -> str:
        """``host/repository`` without tag and digest."""
        return f"{self.host}/{self.repository}"

    @property
    def familiar_name(self) -> str:
        """The name as an engine prints it: without ``docker.io/`` and ``library/``."""
        if self.host != DEFAULT_HOST:
            return self.name
        return self.repository.removeprefix("library/")

    def with_tag(self, tag: str) -> ImageRef:
        """The same repository under another tag, without digest."""
        return replace(self, tag=tag, digest=None)

    def with_digest(self, digest: Digest) -> ImageRef:
        """The same repository by digest, without tag."""
        return replace(self, tag=None, digest=digest)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.familiar_name}{tag}{digest}"


def _split_host(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost" or first.startswith("[")):
        return _canonical_host(first), rest
    return DEFAULT_HOST, text if slash else f"library/{text}"


def _canonical_host(host: str) -> str:
    return DEFAULT_HOST if host in {"index.docker.io", "registry-1.docker.io"} else host

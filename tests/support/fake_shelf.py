"""What a fake registry keeps for one repository, and what it asks for before it gives it out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from aiohttp import web


def digest_of(content: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


@dataclass
class Shelf:
    """One repository: blobs and manifests by digest, tags."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


def scopes_of(request: web.Request) -> set[str]:
    """The scopes that a request needs, as this registry asks for them."""
    name = request.match_info.get("name")
    if name is None:
        return set()
    reads = request.method in {"GET", "HEAD"}
    scopes = {f"repository:{name}:{'pull' if reads else 'pull,push'}"}
    if source := request.query.get("from"):
        scopes.add(f"repository:{source}:pull")
    return scopes

"""What a fake registry keeps for one repository, and what it asks for before it gives it out."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

INDEX = "application/vnd.oci.image.index.v1+json"


def digest_of(content: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


@dataclass
class Shelf:
    """One repository: blobs and manifests by digest, tags."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def has_all_of(self, document: dict[str, Any]) -> bool:
        """Whether what a manifest names is here."""
        blobs = [document["config"], *document["layers"]] if "layers" in document else []
        manifests = document.get("manifests", [])
        return all(entry["digest"] in self.blobs for entry in blobs) and all(
            entry["digest"] in self.manifests for entry in manifests
        )

    def referrers_of(self, digest: str) -> bytes:
        """The index of the manifests that name this one as their subject."""
        entries = []
        for own, (media_type, body) in self.manifests.items():
            document = json.loads(body)
            if (document.get("subject") or {}).get("digest") == digest:
                entry = {"mediaType": media_type, "digest": own, "size": len(body)}
                entries.append({**entry, "artifactType": document.get("artifactType", "")})
        return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()


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

"""Manifests (OCI image specification 1.1, and Docker's schema 2) read strictly from the bytes as stored."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from providers.oci.strict_json import as_list, as_object, parse_object
from specs.reference import Digest, InvalidReference

OCI_IMAGE = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_IMAGE = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
MEDIA_TYPES = (OCI_INDEX, OCI_IMAGE, DOCKER_LIST, DOCKER_IMAGE)
_INDEXES = frozenset({OCI_INDEX, DOCKER_LIST})

MANIFEST_LIMIT = 4 << 20
"""Bytes; what registries accept at most."""
CONFIG_LIMIT = 10_000_000
"""Bytes of an image's configuration that we read at most."""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What a manifest says of one blob or manifest; ``size`` in bytes."""

    media_type: str
    digest: Digest
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest byte for byte, with what it names. An index has ``manifests``, an image the other two."""

    media_type: str
    digest: Digest
    body: bytes = field(repr=False)
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    manifests: tuple[Descriptor, ...] = ()
    artifact_type: str | None = None
    subject: Digest | None = None
    """The manifest that this one is attached to."""


def compute_digest(content: bytes, algorithm: str = "sha256") -> Digest:
    """The digest of some bytes, with ``sha256`` or ``sha512``."""
    return Digest(f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}")


def read_manifest(body: bytes, media_type: str, algorithm: str = "sha256") -> Manifest:
    """Read a manifest that came as ``media_type``.

    Raises ``ValueError``, whose message quotes nothing of it, when the body is not exactly one thing: of that
    type, and not an image and an index at once.
    """
    document = parse_object(body)
    if media_type not in MEDIA_TYPES:
        raise ValueError("a media type that is no manifest's")
    if document.get("mediaType", media_type) != media_type:
        raise ValueError("a manifest of another media type than it was sent as")
    if document.get("schemaVersion") != 2:
        raise ValueError("a manifest of another schema version than 2")
    if "manifests" in document and ("layers" in document or "config" in document):
        raise ValueError("a manifest that is an image and an index at once")
    digest = compute_digest(body, algorithm)
    subject = read_descriptor(document["subject"]).digest if document.get("subject") is not None else None
    if media_type in _INDEXES:
        return Manifest(
            media_type, digest, body, manifests=_descriptors(document, "manifests"), subject=subject
        )
    artifact_type = document.get("artifactType")
    return Manifest(
        media_type,
        digest,
        body,
        read_descriptor(document.get("config")),
        _descriptors(document, "layers"),
        artifact_type=artifact_type if isinstance(artifact_type, str) else None,
        subject=subject,
    )


def _descriptors(document: Mapping[str, object], key: str) -> tuple[Descriptor, ...]:
    return tuple(read_descriptor(node) for node in as_list(document.get(key)))


def read_descriptor(node: object) -> Descriptor:
    """Read a descriptor. Raises ``ValueError``."""
    entry = as_object(node)
    media_type, digest, size = entry.get("mediaType"), entry.get("digest"), entry.get("size")
    if not isinstance(media_type, str) or not isinstance(digest, str):
        raise ValueError("a descriptor without media type or digest")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise ValueError("a descriptor without size")
    try:
        return Descriptor(media_type, Digest.parse(digest), size)
    except InvalidReference:
        raise ValueError("a descriptor with a weak or malformed digest") from None

"""Documents of ours as small OCI artifacts (OCI image specification 1.1): the inputs of an image, a record.

An image manifest with an ``artifactType``, the empty configuration and one layer, which is the document: it
is no annotation, because registries refuse manifests of more than 4 MiB.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from providers.oci.faults import NO_INPUTS, NO_RECORD, Fault
from providers.oci.manifest import OCI_IMAGE, Descriptor, Manifest, compute_digest

EMPTY = b"{}"
EMPTY_CONFIG = Descriptor("application/vnd.oci.empty.v1+json", compute_digest(EMPTY), len(EMPTY))


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of document, in media types and in words. ``limit``: its bytes at most; ``other``: the error
    for a tag that holds anything else."""

    name: str
    words: str
    limit: int
    other: Fault

    @property
    def artifact_type(self) -> str:
        """The ``artifactType`` of its manifest."""
        return f"application/vnd.reconciler.{self.name}.v1"

    @property
    def layer_type(self) -> str:
        """The media type of the document itself."""
        return f"{self.artifact_type}+json"


INPUTS: Final = Kind("inputs", "an input document", 32 << 20, NO_INPUTS)
RECORD: Final = Kind("record", "a record", 4 << 20, NO_RECORD)


def describe_document(kind: Kind, document: bytes) -> Manifest:
    """The manifest of the artifact for a document; the same bytes for the same document, always."""
    layer = Descriptor(kind.layer_type, compute_digest(document), len(document))
    body = {
        "schemaVersion": 2,
        "mediaType": OCI_IMAGE,
        "artifactType": kind.artifact_type,
        "config": _descriptor(EMPTY_CONFIG),
        "layers": [_descriptor(layer)],
    }
    text = json.dumps(body, separators=(",", ":")).encode()
    return Manifest(OCI_IMAGE, compute_digest(text), text, EMPTY_CONFIG, (layer,), (), kind.artifact_type)


def find_document(kind: Kind, manifest: Manifest) -> Descriptor | None:
    """The layer that is the document; None when the manifest is no artifact of this kind."""
    layers = manifest.layers
    if manifest.artifact_type != kind.artifact_type or len(layers) != 1:
        return None
    return layers[0] if layers[0].media_type == kind.layer_type else None


def _descriptor(descriptor: Descriptor) -> dict[str, object]:
    return {
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest.text,
        "size": descriptor.size,
    }

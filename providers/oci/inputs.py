"""The input document of an image as a small OCI artifact (OCI image specification 1.1).

An image manifest with an ``artifactType``, the empty configuration and one layer, which is the document: it
is no annotation, because registries refuse manifests of more than 4 MiB.
"""

from __future__ import annotations

import json

from providers.oci.manifest import OCI_IMAGE, Descriptor, Manifest, compute_digest

ARTIFACT_TYPE = "application/vnd.reconciler.inputs.v1"
LAYER_TYPE = "application/vnd.reconciler.inputs.v1+json"
DOCUMENT_LIMIT = 32 << 20
"""Bytes of an input document at most."""
EMPTY = b"{}"
EMPTY_CONFIG = Descriptor("application/vnd.oci.empty.v1+json", compute_digest(EMPTY), len(EMPTY))


def describe_inputs(document: bytes) -> Manifest:
    """The manifest of the artifact for a document; the same bytes for the same document, always."""
    layer = Descriptor(LAYER_TYPE, compute_digest(document), len(document))
    body = {
        "schemaVersion": 2,
        "mediaType": OCI_IMAGE,
        "artifactType": ARTIFACT_TYPE,
        "config": _descriptor(EMPTY_CONFIG),
        "layers": [_descriptor(layer)],
    }
    text = json.dumps(body, separators=(",", ":")).encode()
    return Manifest(OCI_IMAGE, compute_digest(text), text, EMPTY_CONFIG, (layer,), (), ARTIFACT_TYPE)


def find_document(manifest: Manifest) -> Descriptor | None:
    """The layer that is the document; None when the manifest is no artifact of ours."""
    layers = manifest.layers
    if manifest.artifact_type != ARTIFACT_TYPE or len(layers) != 1 or layers[0].media_type != LAYER_TYPE:
        return None
    return layers[0]


def _descriptor(descriptor: Descriptor) -> dict[str, object]:
    return {
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest.text,
        "size": descriptor.size,
    }

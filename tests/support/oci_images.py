"""Images made by hand for tests of registries: a configuration, a layer, a manifest that names them."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator

from providers.oci.manifest import OCI_IMAGE, Descriptor, Manifest, compute_digest, read_manifest
from providers.oci.registry import OciRegistry
from providers.oci.transport import Content
from specs.reference import Digest, ImageRef

CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"


def content_of(*chunks: bytes) -> Content:
    """A body to send that arrives in these chunks."""

    async def read() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    return Content(sum(map(len, chunks)), read)


def describe(media_type: str, content: bytes) -> Descriptor:
    return Descriptor(media_type, compute_digest(content), len(content))


def entry(descriptor: Descriptor) -> dict[str, object]:
    return {
        "mediaType": descriptor.media_type,
        "digest": descriptor.digest.text,
        "size": descriptor.size,
    }


def image_manifest(config: bytes, layer: bytes, media_type: str = OCI_IMAGE) -> Manifest:
    """An indented manifest: its bytes are not those that any writer of ours would give it."""
    document = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": entry(describe(CONFIG_TYPE, config)),
        "layers": [entry(describe(LAYER_TYPE, layer))],
    }
    return read_manifest(json.dumps(document, indent=3).encode(), media_type)


def index_manifest(media_type: str, *manifests: Manifest) -> Manifest:
    entries = [entry(Descriptor(one.media_type, one.digest, len(one.body))) for one in manifests]
    document = {"schemaVersion": 2, "mediaType": media_type, "manifests": entries}
    return read_manifest(json.dumps(document).encode(), media_type)


async def push_image(registry: OciRegistry, ref: ImageRef, media_type: str = OCI_IMAGE) -> Digest:
    """Push a small image of random content under the tag of the reference."""
    layer = secrets.token_bytes(300_000)
    config = json.dumps({"os": "linux", "architecture": "amd64", "nonce": secrets.token_hex(4)}).encode()
    manifest = image_manifest(config, layer, media_type)
    assert manifest.config is not None
    await registry.blobs.put(ref, manifest.config, content_of(config))
    await registry.blobs.put(ref, manifest.layers[0], content_of(layer[:1000], layer[1000:]))
    await registry.manifests.put(ref, manifest)
    return manifest.digest

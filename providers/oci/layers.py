"""What a pull of an image moves: its layers, by the digests that engines name them by, and their sizes."""

from __future__ import annotations

from collections.abc import Sequence

from providers.oci.blobs import Blobs
from providers.oci.faults import MANIFEST_REFUSED
from providers.oci.manifest import CONFIG_LIMIT, Manifest
from providers.oci.manifests import Manifests
from providers.oci.strict_json import as_list, as_object, parse_object
from reconciler.provider import Layer
from specs.reference import Digest, ImageRef


async def read_layers(
    manifests: Manifests, blobs: Blobs, ref: ImageRef, platform: str
) -> Sequence[Layer] | None:
    """The layers of what an engine of this platform pulls; None when it is absent, or has none for it. Raises
    ProviderError."""
    manifest = await manifests.get(ref)
    if manifest is not None and manifest.manifests:
        chosen = _choose(ref, manifest, platform)
        manifest = await manifests.get(ref.with_digest(chosen)) if chosen is not None else None
    if manifest is None or manifest.config is None:
        return None
    config = await blobs.read(ref, manifest.config, CONFIG_LIMIT)
    try:
        root = as_object(parse_object(config).get("rootfs"))
        unpacked = [str(digest) for digest in as_list(root.get("diff_ids"))]
    except ValueError as error:
        raise MANIFEST_REFUSED.final(str(ref), str(error), "an image's configuration") from None
    if len(unpacked) != len(manifest.layers):
        return None
    return [Layer(digest, layer.size) for digest, layer in zip(unpacked, manifest.layers, strict=True)]


def _choose(ref: ImageRef, index: Manifest, platform: str) -> Digest | None:
    """The image of an index for a platform: of several variants the first, which differ little in size."""
    system, _, architecture = platform.partition("/")
    try:
        entries = [as_object(node) for node in as_list(parse_object(index.body).get("manifests"))]
        platforms = [as_object(entry.get("platform", {})) for entry in entries]
    except ValueError as error:
        raise MANIFEST_REFUSED.final(str(ref), str(error), "an index of images") from None
    fitting = [
        descriptor.digest
        for descriptor, about in zip(index.manifests, platforms, strict=True)
        if (about.get("os"), about.get("architecture")) == (system, architecture)
    ]
    return fitting[0] if fitting else None

"""Images with all that can belong to them: indexes, shared layers, what is attached by subject and by tag."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence

from oci_images import CONFIG_TYPE, LAYER_TYPE, content_of, describe, entry, index_manifest
from providers.oci.manifest import OCI_IMAGE, OCI_INDEX, Descriptor, Manifest, compute_digest, read_manifest
from providers.oci.registry import OciRegistry
from specs.reference import Digest, ImageRef


def random_layer(size: int = 2_000) -> bytes:
    return secrets.token_bytes(size)


async def put_manifest(
    registry: OciRegistry,
    ref: ImageRef,
    layers: Sequence[bytes],
    *,
    subject: Digest | None = None,
    fields: Mapping[str, object] | None = None,
    tagged: bool = True,
) -> Manifest:
    """Push an image of these layers under the tag of the reference, or by its digest alone."""
    config = json.dumps({"os": "linux", "nonce": secrets.token_hex(4)}).encode()
    document: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": OCI_IMAGE,
        "config": entry(describe(CONFIG_TYPE, config)),
        "layers": [entry(describe(LAYER_TYPE, layer)) for layer in layers],
        **(fields or {}),
    }
    if subject is not None:
        document["subject"] = entry(Descriptor(OCI_IMAGE, subject, 1))
    manifest = read_manifest(json.dumps(document, indent=1).encode(), OCI_IMAGE)
    for content in (config, *layers):
        await registry.blobs.put(ref, describe("x/y", content), content_of(content))
    await registry.manifests.put(ref if tagged else ref.with_digest(manifest.digest), manifest)
    return manifest


async def put_index(registry: OciRegistry, ref: ImageRef, *parts: Manifest, tagged: bool = True) -> Manifest:
    index = index_manifest(OCI_INDEX, *parts)
    await registry.manifests.put(ref if tagged else ref.with_digest(index.digest), index)
    return index


async def attach(registry: OciRegistry, ref: ImageRef, subject: Digest, kind: str) -> Manifest:
    """Attach something by subject, with the fallback list where the registry keeps none."""
    fields = {"artifactType": f"application/vnd.example.{kind}"}
    made = await put_manifest(
        registry, ref, [random_layer(100)], subject=subject, fields=fields, tagged=False
    )
    attachments, there = registry.side.attachments, ref.with_digest(subject)
    listed = await attachments.referrers(there)
    if not listed.is_kept:
        described = Descriptor(OCI_IMAGE, made.digest, len(made.body))
        new = {made.digest: {**entry(described), **fields, "annotations": {"made-by": kind}}}
        await attachments.list_by_tag(there, {**listed.entries, **new})
    return made


async def sign(
    registry: OciRegistry, ref: ImageRef, subject: Digest, kind: str, *signatures: bytes
) -> Manifest:
    """What cosign makes: a tag of the digest, with a layer for each signature."""
    tag = f"sha256-{subject.hex}.{kind}"
    return await put_manifest(registry, ref.with_tag(tag), signatures or [random_layer(100)])


async def holds(registry: OciRegistry, ref: ImageRef, digest: Digest) -> bool:
    """Whether a repository has a manifest with everything that it names."""
    manifest = await registry.manifests.get(ref.with_digest(digest))
    if manifest is None or compute_digest(manifest.body, digest.algorithm) != digest:
        return False
    blobs = [*([manifest.config] if manifest.config else []), *manifest.layers]
    present = [await registry.blobs.exists(ref, blob.digest) for blob in blobs]
    return all(present) and all([await holds(registry, ref, part.digest) for part in manifest.manifests])

"""What a pull moves: the layers of an image, by the digests that engines name them by."""

from __future__ import annotations

import json

import pytest

from fake_registry import FakeRegistry
from oci_errors import fails_with
from oci_images import entry, image_manifest
from providers.oci import OciRegistry, faults
from providers.oci.manifest import OCI_IMAGE, OCI_INDEX, Descriptor
from reconciler.provider import Layer
from specs.reference import ImageRef

AMD = "linux/amd64"


def config(*unpacked: str, architecture: str = "amd64") -> bytes:
    root = {"type": "layers", "diff_ids": list(unpacked)}
    return json.dumps({"os": "linux", "architecture": architecture, "rootfs": root}).encode()


def put(fake: FakeRegistry, content: bytes, tag: str = "in-1") -> Descriptor:
    made = image_manifest(content, b"layer")
    fake.put_blob("shop/web", content)
    fake.put_manifest("shop/web", tag, OCI_IMAGE, made.body)
    return Descriptor(OCI_IMAGE, made.digest, len(made.body))


async def test_an_image_has_its_layers_and_an_absent_one_none(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    assert await registry.layers(ref, AMD) is None
    put(fake, config("sha256:one"))
    assert await registry.layers(ref, AMD) == [Layer("sha256:one", 5)]


async def test_an_index_is_asked_for_the_platform_of_the_engine(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    entries = []
    for architecture in ("arm64", "amd64"):
        made = put(fake, config(f"sha256:{architecture}", architecture=architecture), architecture)
        entries.append({**entry(made), "platform": {"os": "linux", "architecture": architecture}})
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    fake.put_manifest("shop/web", "in-1", OCI_INDEX, json.dumps(index).encode())
    assert await registry.layers(ref, AMD) == [Layer("sha256:amd64", 5)]
    assert await registry.layers(ref, "linux/arm64") == [Layer("sha256:arm64", 5)]
    assert await registry.layers(ref, "windows/amd64") is None


@pytest.mark.parametrize("content", [b"{}", b"no json", b'{"rootfs": {"diff_ids": 3}}'])
async def test_a_configuration_that_says_nothing_is_refused(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef, content: bytes
) -> None:
    put(fake, content)
    await fails_with(faults.MANIFEST_REFUSED, registry.layers(ref, AMD))


async def test_layers_that_do_not_fit_their_configuration_are_not_guessed(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    put(fake, config("sha256:one", "sha256:two"))
    assert await registry.layers(ref, AMD) is None

"""Manifests and input documents written: once, byte for byte, and sure of the outcome."""

from __future__ import annotations

import pytest
from aiohttp import web

from fake_registry import FakeRegistry
from fake_shelf import digest_of
from oci_errors import fails_with
from oci_images import image_manifest, push_image
from providers.oci import OciRegistry, faults
from providers.oci.manifest import (
    DOCKER_IMAGE,
    OCI_IMAGE,
)
from reconciler.provider import ProviderError, Refused, Stale
from registry_twists import Handler, answer, drop_header, lose_reply, set_header
from specs.reference import Digest, ImageRef

MANIFEST = r"/v2/shop/web/manifests/.*"


def put(fake: FakeRegistry, tag: str = "in-1", media_type: str = OCI_IMAGE) -> Digest:
    body = image_manifest(b"{}", b"layer", media_type).body
    return Digest.parse(fake.put_manifest("shop/web", tag, media_type, body))


async def test_a_tag_is_given_byte_for_byte(fake: FakeRegistry, registry: OciRegistry, ref: ImageRef) -> None:
    pushed = await push_image(registry, ref, DOCKER_IMAGE)
    before = fake.shelf("shop/web").manifests[pushed.text]
    await registry.tag(ref.with_digest(pushed), pushed.tag)
    assert fake.shelf("shop/web").tags[pushed.tag] == pushed.text
    assert fake.shelf("shop/web").manifests == {pushed.text: before}


async def test_a_tag_that_is_right_already_is_not_written(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    pushed = await push_image(registry, ref)
    await registry.tag(ref.with_digest(pushed), "in-1")
    assert fake.count("PUT", MANIFEST) == 1


async def test_tagging_what_is_gone_is_stale(registry: OciRegistry, ref: ImageRef) -> None:
    absent = Digest.parse(digest_of(b"absent"))
    error = await fails_with(faults.GONE, registry.tag(ref.with_digest(absent), "d-1"))
    assert isinstance(error, Stale)


async def test_a_lost_reply_to_an_accepted_manifest_is_a_success(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    fake.twist("PUT", MANIFEST, lose_reply(), times=2)  # aiohttp itself tries once again on a kept connection
    pushed = await push_image(registry, ref)
    assert fake.shelf("shop/web").tags["in-1"] == pushed.text
    assert fake.count("HEAD", MANIFEST) == 1


async def test_a_server_error_after_the_manifest_was_accepted_is_a_success(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    async def act(request: web.Request, handler: Handler) -> web.Response:
        await handler(request)
        return web.Response(status=504)

    fake.twist("PUT", MANIFEST, act)
    pushed = await push_image(registry, ref)
    assert fake.shelf("shop/web").tags["in-1"] == pushed.text


async def test_a_lost_manifest_is_the_first_error(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    fake.twist("PUT", MANIFEST, answer(500))
    await fails_with(faults.SERVER_ERROR, push_image(registry, ref))
    fake.twist("PUT", MANIFEST, answer(500))
    fake.twist("HEAD", MANIFEST, answer(429))
    await fails_with(faults.SERVER_ERROR, push_image(registry, ref))


async def test_a_registry_that_stored_something_else_fails(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    fake.twist("PUT", MANIFEST, set_header("Docker-Content-Digest", digest_of(b"other")))
    await fails_with(faults.WRONG_DIGEST, push_image(registry, ref))


async def test_a_registry_that_says_no_digest_is_asked(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    fake.twist("PUT", MANIFEST, drop_header("Docker-Content-Digest"))
    await push_image(registry, ref)
    assert fake.count("HEAD", MANIFEST) == 1


async def test_a_manifest_whose_blobs_are_missing_may_be_pushed_again(
    registry: OciRegistry, ref: ImageRef
) -> None:
    error = await fails_with(faults.GONE, registry.manifests.put(ref, image_manifest(b"{}", b"layer")))
    assert not isinstance(error, Refused)


async def test_a_refused_request_is_final(fake: FakeRegistry, registry: OciRegistry, ref: ImageRef) -> None:
    fake.twist("PUT", MANIFEST, answer(400))
    error = await fails_with(faults.REQUEST_REFUSED, push_image(registry, ref))
    assert isinstance(error, Refused)
    assert fake.count("HEAD", MANIFEST) == 0


@pytest.mark.parametrize("tag", ["", "../x", "a b", "x" * 129])
async def test_a_tag_that_is_none_is_refused_unsent(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef, tag: str
) -> None:
    await fails_with(faults.REFERENCE_UNUSABLE, registry.tag(ref.with_digest(put(fake)), tag))
    assert fake.seen == []


async def test_references_that_cannot_be_asked_for_are_refused_unsent(
    fake: FakeRegistry, registry: OciRegistry
) -> None:
    elsewhere = ImageRef("registry.example.com", "shop/web", "in-1")
    await fails_with(faults.REFERENCE_UNUSABLE, registry.digest(elsewhere))
    await fails_with(faults.REFERENCE_UNUSABLE, registry.digest(ImageRef(fake.host, "shop/web")))
    await fails_with(faults.REFERENCE_UNUSABLE, registry.tag(ImageRef(fake.host, "shop/web", "a"), "b"))
    await fails_with(faults.REFERENCE_UNUSABLE, registry.inputs(ImageRef(fake.host, "shop/web")))
    assert fake.seen == []


async def test_a_tag_with_something_else_is_no_input_document(registry: OciRegistry, ref: ImageRef) -> None:
    await push_image(registry, ref)
    await fails_with(faults.NO_INPUTS, registry.inputs(ref))


async def test_inputs_whose_document_is_gone_fail(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    await registry.put_inputs(ref, b'{"a": 1}')
    del fake.shelf("shop/web").blobs[digest_of(b'{"a": 1}')]
    with pytest.raises(ProviderError):
        await registry.inputs(ref)


async def test_inputs_that_are_there_are_not_pushed_again(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    await registry.put_inputs(ref, b"{}1")
    fake.seen.clear()
    await registry.put_inputs(ref, b"{}1")
    assert [seen.method for seen in fake.seen] == ["HEAD"]

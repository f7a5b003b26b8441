"""Blobs written: uploads and mounts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from fake_registry import FakeRegistry
from fake_shelf import digest_of
from oci_errors import fails_with
from oci_images import content_of, describe
from providers.oci import OciRegistry, faults, open_registry
from providers.oci.manifest import CONFIG_LIMIT, Descriptor
from providers.oci.transport import Content, Deadlines
from reconciler.provider import ProviderError, Refused
from registry_twists import Handler, answer, lose_reply
from specs.reference import Digest, ImageRef

UPLOAD = r"/v2/shop/web/blobs/uploads/.+"
UPLOADS = r"/v2/shop/web/blobs/uploads/"
LAYER = bytes(range(256)) * 1000
DESCRIBED = describe("application/octet-stream", LAYER)


async def test_uploads_once_and_not_again(fake: FakeRegistry, registry: OciRegistry, ref: ImageRef) -> None:
    for _ in range(2):
        await registry.blobs.put(ref, DESCRIBED, content_of(LAYER[:100_000], LAYER[100_000:]))
    assert fake.shelf("shop/web").blobs == {DESCRIBED.digest.text: LAYER}
    assert (fake.count("POST", UPLOADS), fake.count("PUT", UPLOAD)) == (1, 1)


async def test_sha512_blobs_are_uploaded_and_read(registry: OciRegistry, ref: ImageRef) -> None:
    described = Descriptor("x/y", Digest.parse(digest_of(LAYER, "sha512")), len(LAYER))
    await registry.blobs.put(ref, described, content_of(LAYER))
    assert await registry.blobs.read(ref, described, CONFIG_LIMIT) == LAYER


async def test_one_upload_for_all_who_push_the_same_blob(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    pushes = [registry.blobs.put(ref, DESCRIBED, content_of(LAYER)) for _ in range(8)]
    await asyncio.gather(*pushes)
    assert (fake.count("POST", UPLOADS), fake.count("PUT", UPLOAD)) == (1, 1)


@pytest.mark.parametrize("chunks", [(LAYER[:-1],), (LAYER, b"x"), (LAYER[:-1], b"x"), ()])
async def test_what_is_not_the_blob_is_not_sent_whole(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef, chunks: tuple[bytes, ...]
) -> None:
    content = Content(len(LAYER), content_of(*chunks).read)
    await fails_with(faults.WRONG_DIGEST, registry.blobs.put(ref, DESCRIBED, content))
    assert fake.shelf("shop/web").blobs == {}


async def test_the_source_of_an_upload_tells_its_own_error(registry: OciRegistry, ref: ImageRef) -> None:
    async def read() -> AsyncIterator[bytes]:
        yield LAYER[:10]
        raise faults.THROTTLED.passing("source", "429", "fewer calls", retry_after=5)

    error = await fails_with(faults.THROTTLED, registry.blobs.put(ref, DESCRIBED, Content(len(LAYER), read)))
    assert (error.where, error.retry_after) == ("source", 5)


async def test_a_lost_reply_to_an_upload_is_a_success(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    fake.twist("PUT", UPLOAD, lose_reply())
    await registry.blobs.put(ref, DESCRIBED, content_of(LAYER))
    assert fake.shelf("shop/web").blobs == {DESCRIBED.digest.text: LAYER}


async def test_a_failed_upload_fails_and_the_next_one_starts_again(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    fake.twist("PUT", UPLOAD, answer(500))
    await fails_with(faults.SERVER_ERROR, registry.blobs.put(ref, DESCRIBED, content_of(LAYER)))
    await registry.blobs.put(ref, DESCRIBED, content_of(LAYER))


async def test_an_upload_location_on_another_origin_is_refused(
    fake: FakeRegistry, elsewhere: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    for location in (f"{elsewhere.url}/v2/x/blobs/uploads/1", "//evil.example/u", "http://a@b/", "ftp://x/"):
        fake.twist("POST", UPLOADS, answer(202, headers={"Location": location}))
        error = await fails_with(
            faults.UPLOAD_ELSEWHERE, registry.blobs.put(ref, DESCRIBED, content_of(LAYER))
        )
        assert isinstance(error, Refused)
    assert elsewhere.seen == []


async def test_an_upload_without_location_is_no_registry(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    fake.twist("POST", UPLOADS, answer(202))
    await fails_with(faults.NO_REGISTRY, registry.blobs.put(ref, DESCRIBED, content_of(LAYER)))


async def test_the_right_to_push_is_proved_and_nothing_left(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    await registry.probe_push(ref)
    assert (fake.count("POST", UPLOADS), fake.count("PUT", UPLOAD)) == (1, 0)
    assert fake.count("DELETE", UPLOAD) == 1
    assert fake.shelf("shop/web").blobs == {}


async def test_mounts_from_another_repository(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    fake.put_blob("shop/source", LAYER)
    mounts = [registry.blobs.place(ref, DESCRIBED, content_of(), "shop/source") for _ in range(8)]
    assert await asyncio.gather(*mounts) == ["mounted"] * 8
    assert fake.shelf("shop/web").blobs == {DESCRIBED.digest.text: LAYER}
    assert fake.count("POST", UPLOADS) == 1


async def test_a_mount_of_what_is_there_that_is_not_granted_leaves_no_upload(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    fake.put_blob("shop/web", LAYER)
    assert await registry.blobs.place(ref, DESCRIBED, content_of(), "shop/source") == "present"
    assert fake.uploads == {}
    assert (fake.count("DELETE", UPLOAD), fake.count("PUT", UPLOAD)) == (1, 0)


async def test_a_mount_that_is_not_granted_goes_on_as_an_upload(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    assert await registry.blobs.place(ref, DESCRIBED, content_of(LAYER), "shop/source") == "sent"
    assert fake.uploads == {}
    assert fake.shelf("shop/web").blobs == {DESCRIBED.digest.text: LAYER}
    assert fake.count("POST", UPLOADS) == 1


async def test_who_may_not_read_the_source_of_a_mount_uploads(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    fake.twist("POST", UPLOADS, answer(403))
    assert await registry.blobs.place(ref, DESCRIBED, content_of(LAYER), "shop/source") == "sent"
    assert fake.shelf("shop/web").blobs == {DESCRIBED.digest.text: LAYER}


async def test_a_write_is_not_redirected(
    fake: FakeRegistry, elsewhere: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    fake.twist("POST", UPLOADS, answer(307, headers={"Location": f"{elsewhere.url}/v2/x/blobs/uploads/"}))
    with pytest.raises(ProviderError):
        await registry.blobs.put(ref, DESCRIBED, content_of(LAYER))
    assert elsewhere.seen == []


async def test_an_upload_that_nobody_takes_ends(fake: FakeRegistry, ref: ImageRef) -> None:
    async def stall(request: web.Request, _: object) -> web.StreamResponse:
        await asyncio.sleep(3)
        return web.Response(status=201)

    large = b"x" * (32 << 20)
    fake.twist("PUT", UPLOAD, stall)
    async with open_registry(fake.host, deadlines=Deadlines(read=0.3)) as registry:
        pushed = registry.blobs.put(ref, describe("x/y", large), content_of(*[large[: 1 << 16]] * 512))
        await fails_with(faults.TIMEOUT, pushed)


async def test_a_registry_may_take_its_time_to_store_a_blob(fake: FakeRegistry, ref: ImageRef) -> None:
    async def store(request: web.Request, handler: Handler) -> web.StreamResponse:
        await request.read()
        await asyncio.sleep(0.5)
        return await handler(request)

    fake.twist("PUT", UPLOAD, store)
    async with open_registry(fake.host, deadlines=Deadlines(read=0.2)) as registry:
        await registry.blobs.put(ref, DESCRIBED, content_of(LAYER))
    assert fake.count("PUT", UPLOAD) == 1

"""Blobs read: streamed, verified, bounded, redirected."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest
from aiohttp import web

from fake_registry import FakeRegistry
from oci_errors import fails_with
from oci_images import describe
from providers.oci import OciRegistry, faults, open_registry
from providers.oci.manifest import CONFIG_LIMIT, Descriptor
from providers.oci.transport import Deadlines
from reconciler.provider import Stale
from registry_twists import alter, answer, truncate
from specs.reference import ImageRef

BLOB = r"/v2/shop/web/blobs/sha256:.*"
LAYER = bytes(range(256)) * 1000
DESCRIBED = describe("application/octet-stream", LAYER)


async def collect(registry: OciRegistry, ref: ImageRef, descriptor: Descriptor) -> bytes:
    async with aclosing(registry.blobs.stream(ref, descriptor)) as chunks:
        return b"".join([chunk async for chunk in chunks])


async def test_streams_a_blob(fake: FakeRegistry, registry: OciRegistry, ref: ImageRef) -> None:
    fake.put_blob("shop/web", LAYER)
    assert await registry.blobs.exists(ref, DESCRIBED.digest)
    assert await collect(registry, ref, DESCRIBED) == LAYER


async def test_a_stream_may_be_left_early(fake: FakeRegistry, registry: OciRegistry, ref: ImageRef) -> None:
    fake.put_blob("shop/web", LAYER)
    async with aclosing(registry.blobs.stream(ref, DESCRIBED)) as chunks:
        async for _ in chunks:
            break
    assert await collect(registry, ref, DESCRIBED) == LAYER


async def test_an_absent_blob_is_stale(registry: OciRegistry, ref: ImageRef) -> None:
    assert not await registry.blobs.exists(ref, DESCRIBED.digest)
    assert isinstance(await fails_with(faults.GONE, collect(registry, ref, DESCRIBED)), Stale)


@pytest.mark.parametrize(
    "body", [LAYER[:-1] + b"x", LAYER + b"x", LAYER[:-1], b""], ids=["other", "longer", "shorter", "empty"]
)
async def test_the_last_bytes_of_a_wrong_blob_never_arrive(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef, body: bytes
) -> None:
    fake.shelf("shop/web").blobs[DESCRIBED.digest.text] = body
    arrived: list[bytes] = []

    async def receive() -> None:
        async with aclosing(registry.blobs.stream(ref, DESCRIBED)) as chunks:
            async for chunk in chunks:
                arrived.append(chunk)

    await fails_with(faults.WRONG_DIGEST, receive())
    assert sum(map(len, arrived)) < len(LAYER)


async def test_a_truncated_blob_fails(fake: FakeRegistry, registry: OciRegistry, ref: ImageRef) -> None:
    fake.put_blob("shop/web", LAYER)
    fake.twist("GET", BLOB, truncate())
    await fails_with(faults.BROKEN_OFF, collect(registry, ref, DESCRIBED))


async def test_a_large_configuration_is_refused_unread(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    large = Descriptor("application/json", DESCRIBED.digest, CONFIG_LIMIT + 1)
    await fails_with(faults.TOO_LARGE, registry.blobs.read(ref, large, CONFIG_LIMIT))
    assert fake.seen == []


async def test_reads_follow_a_redirect_to_another_origin(
    fake: FakeRegistry, elsewhere: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    digest = elsewhere.put_blob("store", LAYER)
    location = f"{elsewhere.url}/v2/store/blobs/{digest}?signature=a%2Fb%3D"
    fake.twist("GET", BLOB, answer(307, headers={"Location": location}))
    assert await collect(registry, ref, DESCRIBED) == LAYER
    assert elsewhere.seen[0].query == "signature=a%2Fb%3D"


async def test_the_sixth_redirect_is_one_too_many(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    fake.put_blob("shop/web", LAYER)
    again = f"{fake.url}/v2/shop/web/blobs/{DESCRIBED.digest}"
    fake.twist("GET", BLOB, answer(302, headers={"Location": again}), times=5)
    assert await collect(registry, ref, DESCRIBED) == LAYER
    fake.twist("GET", BLOB, answer(302, headers={"Location": again}), times=6)
    await fails_with(faults.REDIRECT_REFUSED, collect(registry, ref, DESCRIBED))


@pytest.mark.parametrize("location", ["ftp://a/", "http://ci:word@a/", "https://a:x/", "http://a\\@b/"])
async def test_a_redirect_to_no_address_is_refused(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef, location: str
) -> None:
    fake.twist("GET", BLOB, answer(302, headers={"Location": location}))
    await fails_with(faults.REDIRECT_REFUSED, collect(registry, ref, DESCRIBED))


async def test_stored_encodings_are_not_undone(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    fake.put_blob("shop/web", LAYER)

    def claim(response: web.Response) -> None:
        response.headers["Content-Encoding"] = "gzip"

    fake.twist("GET", BLOB, alter(claim))
    assert await collect(registry, ref, DESCRIBED) == LAYER


async def test_a_blob_that_trickles_ends_at_its_deadline(fake: FakeRegistry, ref: ImageRef) -> None:
    fake.put_blob("shop/web", LAYER)

    async def trickle(request: web.Request, _: object) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": str(len(LAYER))})
        await response.prepare(request)
        for position in range(100):
            await response.write(LAYER[position : position + 1])
            await asyncio.sleep(0.05)
        return response

    fake.twist("GET", BLOB, trickle)
    deadlines = Deadlines(read=5, total=0.3, slowest=10_000_000)
    async with open_registry(fake.host, deadlines=deadlines) as registry:
        await fails_with(faults.TIMEOUT, collect(registry, ref, DESCRIBED))


async def test_silence_ends_at_the_deadline_between_bytes(fake: FakeRegistry, ref: ImageRef) -> None:
    async def stall(request: web.Request, _: object) -> web.StreamResponse:
        await asyncio.sleep(2)
        return web.Response()

    fake.twist("HEAD", BLOB, stall)
    async with open_registry(fake.host, deadlines=Deadlines(read=0.2)) as registry:
        await fails_with(faults.TIMEOUT, registry.blobs.exists(ref, DESCRIBED.digest))


@pytest.mark.parametrize("status", [200, 404])
async def test_a_login_page_is_neither_a_blob_nor_its_absence(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef, status: int
) -> None:
    fake.twist("HEAD", BLOB, answer(status, headers={"Content-Type": "text/html"}))
    await fails_with(faults.NO_REGISTRY, registry.blobs.exists(ref, DESCRIBED.digest))


async def test_a_blob_without_end_is_left_at_its_size(fake: FakeRegistry, ref: ImageRef) -> None:
    async def pour(request: web.Request, _: object) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(1000):
            await response.write(LAYER)
            await asyncio.sleep(0.01)
        return response

    fake.twist("GET", BLOB, pour)
    async with open_registry(fake.host, deadlines=Deadlines(total=2)) as registry:
        await fails_with(faults.WRONG_DIGEST, collect(registry, ref, DESCRIBED))

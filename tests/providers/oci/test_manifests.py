"""Manifests read: every kind, and nothing that is not exactly what was asked for."""

from __future__ import annotations

import json

import pytest
from aiohttp import web

from fake_registry import FakeRegistry
from fake_shelf import digest_of
from oci_errors import fails_with
from oci_images import image_manifest, index_manifest
from providers.oci import OciRegistry, faults
from providers.oci.manifest import (
    DOCKER_IMAGE,
    DOCKER_LIST,
    MEDIA_TYPES,
    OCI_IMAGE,
    OCI_INDEX,
    compute_digest,
)
from reconciler.provider import Refused, Stale
from registry_twists import alter, answer, drop_header, set_body, set_header, truncate
from specs.reference import Digest, ImageRef

MANIFEST = r"/v2/shop/web/manifests/.*"
HTML = {"Content-Type": "text/html; charset=utf-8"}


def put(fake: FakeRegistry, tag: str = "in-1", media_type: str = OCI_IMAGE) -> Digest:
    body = image_manifest(b"{}", b"layer", media_type).body
    return Digest.parse(fake.put_manifest("shop/web", tag, media_type, body))


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
async def test_finds_every_kind_by_one_head(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef, media_type: str
) -> None:
    image = image_manifest(b"{}", b"layer")
    is_index = media_type in {OCI_INDEX, DOCKER_LIST}
    made = index_manifest(media_type, image) if is_index else image_manifest(b"{}", b"layer", media_type)
    fake.put_manifest("shop/web", "in-1", media_type, made.body)
    assert await registry.digest(ref) == made.digest
    assert (fake.count("HEAD", MANIFEST), fake.count("GET", MANIFEST)) == (1, 0)
    assert await registry.manifests.get(ref) == made


@pytest.mark.parametrize("name", ["Docker-Content-Digest", "Content-Type"])
async def test_a_head_that_does_not_say_enough_is_followed_by_a_get(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef, name: str
) -> None:
    digest = put(fake)
    act = drop_header(name) if name != "Content-Type" else set_header(name, "application/octet-stream")
    fake.twist("HEAD", MANIFEST, act)
    assert await registry.digest(ref) == digest
    assert fake.count("GET", MANIFEST) == 1


async def test_a_digest_that_is_not_its_content_fails(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    digest = put(fake)
    fake.twist("GET", MANIFEST, set_body(b'{"schemaVersion":2,"layers":[],"config":{}}'), times=2)
    await fails_with(faults.WRONG_DIGEST, registry.manifests.get(ref))
    await fails_with(faults.WRONG_DIGEST, registry.manifests.get(ref.with_digest(digest)))


@pytest.mark.parametrize("says_so", [True, False])
async def test_other_content_than_was_asked_for_by_digest_fails(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef, says_so: bool
) -> None:
    body = image_manifest(b"{}", b"another layer").body

    def replace(response: web.Response) -> None:
        response.body = body
        response.headers.popall("Docker-Content-Digest")
        if says_so:
            response.headers["Docker-Content-Digest"] = digest_of(body)

    fake.twist("GET", MANIFEST, alter(replace))
    await fails_with(faults.WRONG_DIGEST, registry.manifests.get(ref.with_digest(put(fake))))


async def test_a_header_that_disagrees_with_reference_or_body_fails(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    digest, other = put(fake), digest_of(b"other")
    fake.twist("HEAD", MANIFEST, set_header("Docker-Content-Digest", other))
    fake.twist("GET", MANIFEST, set_header("Docker-Content-Digest", other))
    await fails_with(faults.WRONG_DIGEST, registry.digest(ref.with_digest(digest)))
    await fails_with(faults.WRONG_DIGEST, registry.manifests.get(ref))


async def test_a_weak_digest_fails(fake: FakeRegistry, registry: OciRegistry, ref: ImageRef) -> None:
    put(fake)
    fake.twist("HEAD", MANIFEST, set_header("Docker-Content-Digest", "md5:" + "0" * 32))
    await fails_with(faults.WRONG_DIGEST, registry.digest(ref))


async def test_a_sha512_header_is_verified_too(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    put(fake)
    body = image_manifest(b"{}", b"layer").body
    fake.twist("GET", MANIFEST, set_header("Docker-Content-Digest", digest_of(body, "sha512")))
    found = await registry.manifests.get(ref)
    assert found is not None
    assert found.digest == compute_digest(body, "sha512")


async def test_a_manifest_that_is_two_things_at_once_is_refused(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    body = json.dumps({"schemaVersion": 2, "manifests": [], "layers": [], "config": {}}).encode()
    for media_type in (OCI_IMAGE, OCI_INDEX):
        fake.put_manifest("shop/web", "in-1", media_type, body)
        error = await fails_with(faults.MANIFEST_REFUSED, registry.manifests.get(ref))
        assert isinstance(error, Refused)


async def test_a_media_type_that_disagrees_with_the_body_is_refused(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    fake.put_manifest("shop/web", "in-1", DOCKER_IMAGE, image_manifest(b"{}", b"layer").body)
    await fails_with(faults.MANIFEST_REFUSED, registry.manifests.get(ref))


async def test_a_truncated_manifest_fails(fake: FakeRegistry, registry: OciRegistry, ref: ImageRef) -> None:
    put(fake)
    fake.twist("GET", MANIFEST, truncate())
    await fails_with(faults.BROKEN_OFF, registry.manifests.get(ref))


async def test_a_manifest_over_four_mebibytes_is_not_read(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    put(fake)
    fake.twist("GET", MANIFEST, set_body(b" " * ((4 << 20) + 1)))
    await fails_with(faults.TOO_LARGE, registry.manifests.get(ref))


@pytest.mark.parametrize("status", [200, 404])
@pytest.mark.parametrize("method", ["HEAD", "GET"])
async def test_a_login_page_is_no_answer_and_never_an_absence(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef, method: str, status: int
) -> None:
    fake.twist("HEAD", MANIFEST, answer(status, "<html>", HTML))
    fake.twist("GET", MANIFEST, answer(status, "<html>Log in</html>", HTML), times=2)
    awaited = registry.digest(ref) if method == "HEAD" else registry.manifests.get(ref)
    error = await fails_with(faults.NO_REGISTRY, awaited)
    assert "not a registry answer" in str(error)


@pytest.mark.parametrize(("status", "retry_after"), [(429, "7"), (503, "7"), (429, None)])
async def test_a_throttled_call_says_when_to_come_back(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef, status: int, retry_after: str | None
) -> None:
    headers = {"Retry-After": retry_after} if retry_after else {}
    fake.twist("HEAD", MANIFEST, answer(status, headers=headers))
    error = await fails_with(faults.THROTTLED, registry.digest(ref))
    assert error.retry_after == (7 if retry_after else None)
    assert not isinstance(error, Refused)


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_a_server_error_may_pass_and_is_no_absence(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef, status: int
) -> None:
    fake.twist("HEAD", MANIFEST, answer(status, "<html>", HTML))
    error = await fails_with(faults.SERVER_ERROR, registry.digest(ref))
    assert not isinstance(error, Refused | Stale)

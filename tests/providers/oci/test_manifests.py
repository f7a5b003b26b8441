from __future__ import annotations

import json

import pytest
from aiohttp import web

from fake_registry import FakeRegistry, alter, answer, digest_of, lose_reply, truncate
from oci_errors import fails_with
from oci_images import image_manifest, index_manifest, push_image
from providers.oci import OciRegistry, faults
from providers.oci.manifest import (
    DOCKER_IMAGE,
    DOCKER_LIST,
    MEDIA_TYPES,
    OCI_IMAGE,
    OCI_INDEX,
    compute_digest,
)
from reconciler.provider import ProviderError, Refused, Stale
from specs.reference import Digest, ImageRef

MANIFEST = r"/v2/shop/web/manifests/.*"
HTML = {"Content-Type": "text/html; charset=utf-8"}


def put(fake: FakeRegistry, tag: str = "in-1", media_type: str = OCI_IMAGE) -> Digest:
    body = image_manifest(b"{}", b"layer", media_type).body
    return Digest.parse(fake.put_manifest("shop/web", tag, media_type, body))


def set_header(name: str, value: str):
    return alter(lambda response: response.headers.update({name: value}))


def drop_header(name: str):
    return alter(lambda response: response.headers.popall(name))


def set_body(body: bytes):
    def change(response: web.Response) -> None:
        response.body = body

    return alter(change)


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
    async def act(request, handler):
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

from __future__ import annotations

import pytest
from aiohttp import web

from fake_registry import FakeRegistry
from oci_errors import fails_with
from oci_images import image_manifest
from providers.oci import OciRegistry, faults
from providers.oci.manifest import OCI_IMAGE
from registry_twists import Act, alter, answer
from specs.reference import ImageRef

TAGS = r"/v2/shop/web/tags/list"


def put(fake: FakeRegistry, *tags: str) -> None:
    for tag in tags:
        fake.put_manifest("shop/web", tag, OCI_IMAGE, image_manifest(b"{}", b"layer").body)


def link(value: str) -> Act:
    def change(response: web.Response) -> None:
        response.headers["Link"] = value

    return alter(change)


async def test_an_absent_repository_and_an_empty_one_have_no_tags(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    assert await registry.tags(ref) == ()
    fake.shelf("shop/web")
    assert await registry.tags(ref) == ()


async def test_all_pages_are_read(fake: FakeRegistry, registry: OciRegistry, ref: ImageRef) -> None:
    put(fake, "e", "b", "d", "a", "c")
    assert await registry.tags(ref) == ("a", "b", "c", "d", "e")
    assert fake.count("GET", TAGS) == 3


async def test_a_next_page_on_another_origin_is_refused(
    fake: FakeRegistry, elsewhere: FakeRegistry, registry: OciRegistry, ref: ImageRef
) -> None:
    put(fake, "a")
    for target in (f"{elsewhere.url}/v2/shop/web/tags/list", "//evil.example/", "https://a@b/", "gopher://x"):
        fake.twist("GET", TAGS, link(f'<{target}>; rel="next"'))
        await fails_with(faults.PAGE_ELSEWHERE, registry.tags(ref))
    assert elsewhere.seen == []


async def test_pages_that_do_not_end_fail(fake: FakeRegistry, registry: OciRegistry, ref: ImageRef) -> None:
    put(fake, "a")
    fake.twist("GET", TAGS, link('</v2/shop/web/tags/list>; rel="next"'), -1)
    await fails_with(faults.PAGE_ELSEWHERE, registry.tags(ref))


async def test_other_links_are_passed_over(fake: FakeRegistry, registry: OciRegistry, ref: ImageRef) -> None:
    put(fake, "a")
    fake.twist("GET", TAGS, link('</x>; rel="prev"'))
    assert await registry.tags(ref) == ("a",)


@pytest.mark.parametrize("text", ["", "[]", '{"tags": "a"}', '{"tags": {}}'])
async def test_what_is_no_list_of_tags_fails(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef, text: str
) -> None:
    fake.twist("GET", TAGS, answer(200, text))
    await fails_with(faults.NO_REGISTRY, registry.tags(ref))


@pytest.mark.parametrize("status", [200, 404])
async def test_a_login_page_is_no_list(
    fake: FakeRegistry, registry: OciRegistry, ref: ImageRef, status: int
) -> None:
    fake.twist("GET", TAGS, answer(status, "<html>", {"Content-Type": "text/html"}))
    await fails_with(faults.NO_REGISTRY, registry.tags(ref))

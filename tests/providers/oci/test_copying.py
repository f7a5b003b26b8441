"""Images copied by digest with all that belongs to them, whatever happens on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from fake_registry import FakeRegistry
from oci_errors import fails_with
from oci_images import describe, entry, index_manifest
from oci_sets import attach, holds, put_index, put_manifest, random_layer, sign
from providers.oci import OciRegistry, faults, nested, open_registry
from providers.oci.attached import fallback_tag
from providers.oci.manifest import OCI_INDEX, Manifest
from reconciler.provider import Login, ProviderError, Refused, Stale, Transfer
from registry_twists import Handler, answer, lose_reply, set_header, truncate
from specs.reference import Digest, ImageRef

WRITES = ("PUT", "POST", "PATCH", "DELETE")


@dataclass
class Pair:
    """Where images come from and go to: two registries, or two repositories of one."""

    source: OciRegistry
    target: OciRegistry
    fakes: tuple[FakeRegistry, FakeRegistry]
    sent: list[int] = field(default_factory=list)

    @property
    def here(self) -> ImageRef:
        return ImageRef(self.source.host, "dev/web", "in-1")

    @property
    def there(self) -> ImageRef:
        return ImageRef(self.target.host, "prod/web")

    @property
    def is_within(self) -> bool:
        return self.fakes[0] is self.fakes[1]

    async def copy(self, digest: Digest, there: ImageRef | None = None) -> Transfer:
        return await self.target.copy(
            self.here.with_digest(digest), there or self.there, self.source, self.sent.append
        )

    def writes(self) -> int:
        return sum(seen.method in WRITES for seen in self.fakes[1].seen)


@pytest.fixture(params=["within", "between"])
async def pair(request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    async with FakeRegistry() as one, FakeRegistry() as other, open_registry(one.host) as source:
        if request.param == "within":
            yield Pair(source, source, (one, one))
            return
        async with open_registry(other.host) as target:
            yield Pair(source, target, (one, other))


@pytest.fixture
async def between() -> AsyncIterator[Pair]:
    async with (
        FakeRegistry() as one,
        FakeRegistry() as other,
        open_registry(one.host) as source,
        open_registry(other.host) as target,
    ):
        yield Pair(source, target, (one, other))


async def test_bytes_blobs_and_one_tag_go_along(pair: Pair) -> None:
    layers = [random_layer(), random_layer(), b""]
    image = await put_manifest(pair.source, pair.here, layers)
    moved = await pair.copy(image.digest)
    shelf = pair.fakes[1].shelf("prod/web")
    assert shelf.manifests == {image.digest.text: (image.media_type, image.body)}
    assert shelf.tags == {image.digest.tag: image.digest.text}
    assert {describe("x/y", layer).digest.text for layer in layers} < shelf.blobs.keys()
    assert moved == Transfer("mounted" if pair.is_within else "copied")
    assert image.config is not None
    assert sum(pair.sent) == (0 if pair.is_within else 4_000 + image.config.size)


async def test_what_is_there_is_not_written_again(pair: Pair) -> None:
    image = await put_manifest(pair.source, pair.here, [random_layer()])
    await attach(pair.source, pair.here, image.digest, "sbom")
    await pair.copy(image.digest)
    before, sent = pair.writes(), sum(pair.sent)
    assert await pair.copy(image.digest) == Transfer("present")
    assert (pair.writes(), sum(pair.sent)) == (before, sent)


async def test_an_index_goes_with_its_images_whatever_names_them(pair: Pair) -> None:
    shared = random_layer()
    one = await put_manifest(pair.source, pair.here, [shared, random_layer()], tagged=False)
    other = await put_manifest(pair.source, pair.here, [shared], tagged=False)
    inner = await put_index(pair.source, pair.here, one, tagged=False)
    outer = await put_index(pair.source, pair.here, one, other, inner)
    await pair.copy(outer.digest)
    assert await holds(pair.target, pair.there, outer.digest)
    assert pair.fakes[1].shelf("prod/web").tags == {outer.digest.tag: outer.digest.text}


async def test_an_index_of_which_a_part_is_missing_is_refused_before_anything_is_written(pair: Pair) -> None:
    image = await put_manifest(pair.source, pair.here, [random_layer()])
    absent = await put_manifest(pair.source, ImageRef(pair.here.host, "dev/other", "x"), [random_layer()])
    sparse = index_manifest(OCI_INDEX, image, absent)
    pair.fakes[0].put_manifest("dev/web", "sparse", OCI_INDEX, sparse.body)
    before = pair.writes()
    error = await fails_with(faults.SPARSE, pair.copy(sparse.digest))
    assert isinstance(error, Refused)
    assert pair.writes() == before


@pytest.mark.parametrize("kept", [(False, False), (True, False), (False, True), (True, True)])
async def test_what_is_attached_goes_along_and_is_found_there(between: Pair, kept: tuple[bool, bool]) -> None:
    """By either kind of registry: one that keeps the list of referrers, and one whose clients do."""
    for fake, keeps in zip(between.fakes, kept, strict=True):
        fake.keeps_referrers = keeps
    part = await put_manifest(between.source, between.here, [random_layer()], tagged=False)
    image = await put_index(between.source, between.here, part)
    listed = await attach(between.source, between.here, image.digest, "sbom")
    proof = await attach(between.source, between.here, listed.digest, "signature")
    of_part = await attach(between.source, between.here, part.digest, "provenance")
    cosigned = await sign(between.source, between.here, image.digest, "sig")
    await between.copy(image.digest)
    found = between.target.side.attachments
    for subject, attached in ((image, listed), (listed, proof), (part, of_part)):
        assert await holds(between.target, between.there, attached.digest)
        entries = (await found.referrers(between.there.with_digest(subject.digest))).entries
        assert set(entries) == {attached.digest}
        assert str(entries[attached.digest]["artifactType"]).startswith("application/vnd.example.")
    tags = between.fakes[1].shelf("prod/web").tags
    assert tags.pop(f"sha256-{image.digest.hex}.sig") == cosigned.digest.text
    assert tags.pop(image.digest.tag) == image.digest.text
    lists = {fallback_tag(one.digest) for one in (image, listed, part)}
    assert set(tags) == (set() if kept[1] else lists)


async def test_what_was_attached_later_follows_and_what_was_made_there_stays(between: Pair) -> None:
    image = await put_manifest(between.source, between.here, [random_layer()])
    await between.copy(image.digest)
    own = await attach(between.target, between.there, image.digest, "own")
    late = await attach(between.source, between.here, image.digest, "late")
    first, second = random_layer(90), random_layer(80)
    await sign(between.source, between.here, image.digest, "sig", first)
    await between.copy(image.digest)
    listed = await between.target.side.attachments.referrers(between.there.with_digest(image.digest))
    assert set(listed.entries) == {own.digest, late.digest}
    grown = await sign(between.source, between.here, image.digest, "sig", first, second)
    assert (await between.copy(image.digest)).notes == ()
    tag = between.there.with_tag(f"sha256-{image.digest.hex}.sig")
    assert await between.target.digest(tag) == grown.digest
    other = await sign(between.target, between.there, image.digest, "sig", random_layer(70))
    (note,) = (await between.copy(image.digest)).notes
    assert "holds something else there" in note
    assert await between.target.digest(tag) == other.digest


async def test_a_list_that_names_what_is_not_attached_brings_nothing_along(between: Pair) -> None:
    image = await put_manifest(between.source, between.here, [random_layer()])
    stranger = await put_manifest(between.source, between.here.with_tag("other"), [random_layer()])
    tag = fallback_tag(image.digest)
    forged = index_manifest(OCI_INDEX, stranger)
    between.fakes[0].put_manifest("dev/web", tag, OCI_INDEX, forged.body)
    await between.copy(image.digest)
    assert list(between.fakes[1].shelf("prod/web").manifests) == [image.digest.text]


async def test_more_than_is_followed_is_refused(between: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = await put_manifest(between.source, between.here, [random_layer()])
    for _ in range(4):
        deep = await put_index(between.source, between.here, deep)
    await fails_with(faults.TOO_MANY, between.copy(deep.digest))
    image = await put_manifest(between.source, between.here, [random_layer()])
    chain = image
    for _ in range(4):
        chain = await attach(between.source, between.here, chain.digest, "sbom")
    await fails_with(faults.TOO_MANY, between.copy(image.digest))
    assert between.writes() == 0


async def test_an_image_that_is_too_large_is_refused_unread(between: Pair) -> None:
    image = await put_manifest(between.source, between.here, [random_layer()])
    text = image.body.decode().replace('"size": 2000', f'"size": {nested.IMAGE_LIMIT}')
    digest = between.fakes[0].put_manifest("dev/web", "huge", image.media_type, text.encode())
    await fails_with(faults.TOO_LARGE, between.copy(Digest.parse(digest)))
    assert between.fakes[0].count("GET", r"/v2/dev/web/blobs/.*") == 0


async def test_layers_that_lie_elsewhere_on_purpose_are_left_there(between: Pair) -> None:
    layer = describe("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", b"elsewhere")
    fields = {"layers": [{**entry(layer), "urls": ["https://layers.example"]}]}
    image = await put_manifest(between.source, between.here, [b"elsewhere"], fields=fields)
    del between.fakes[0].shelf("dev/web").blobs[layer.digest.text]
    between.fakes[1].shelf("prod/web").blobs[layer.digest.text] = b"elsewhere"  # a fake checks all alike
    assert (await between.copy(image.digest)).moved == "copied"
    assert between.fakes[0].count("GET", rf"/v2/dev/web/blobs/{layer.digest}") == 0


async def test_a_digest_that_is_gone_at_the_source_is_said(pair: Pair) -> None:
    image = await put_manifest(pair.source, pair.here, [random_layer()])
    await pair.copy(image.digest)
    del pair.fakes[0].shelf("dev/web").manifests[image.digest.text]
    (note,) = (await pair.copy(image.digest)).notes
    assert note.endswith("is gone at the source")
    elsewhere = ImageRef(pair.there.host, "prod/elsewhere")
    error = await fails_with(faults.SOURCE_GONE, pair.copy(image.digest, elsewhere))
    assert isinstance(error, Stale)
    assert "cleaned or rebuilt" in error.seen


async def test_within_one_registry_no_byte_comes_by(pair: Pair) -> None:
    image = await put_manifest(pair.source, pair.here, [random_layer(), random_layer()])
    await pair.copy(image.digest)
    read = pair.fakes[0].count("GET", r"/v2/dev/web/blobs/.*")
    assert read == (0 if pair.is_within else 3)
    assert pair.fakes[1].count("PUT", r"/v2/prod/web/blobs/.*") == read


async def test_a_layer_of_many_images_travels_once(between: Pair) -> None:
    shared = random_layer(50_000)
    images = [await put_manifest(between.source, between.here, [shared, random_layer()]) for _ in range(4)]
    repositories = [ImageRef(between.there.host, f"prod/{number}") for number in range(4)]
    moves = zip(images, repositories, strict=True)
    await asyncio.gather(*(between.copy(image.digest, there) for image, there in moves))
    layer = describe("x/y", shared).digest
    assert between.fakes[0].count("GET", f"/v2/dev/web/blobs/{layer}") == 1
    for image, there in zip(images, repositories, strict=True):
        assert await holds(between.target, there, image.digest)


async def test_the_same_copy_twice_at_once_is_one(between: Pair) -> None:
    image = await put_manifest(between.source, between.here, [random_layer()])
    one, other = await asyncio.gather(between.copy(image.digest), between.copy(image.digest))
    assert one == other == Transfer("copied")
    assert between.fakes[1].count("PUT", r"/v2/prod/web/manifests/.*") == 1


async def test_where_a_mount_is_not_granted_bytes_are_sent(pair: Pair) -> None:
    image = await put_manifest(pair.source, pair.here, [random_layer()])

    async def forget(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request.clone(rel_url=request.rel_url.with_query({})))

    pair.fakes[1].twist("POST", r"/v2/prod/web/blobs/uploads/", forget, times=-1)
    assert (await pair.copy(image.digest)).moved == "copied"
    assert await holds(pair.target, pair.there, image.digest)


async def test_no_login_reaches_the_other_registry() -> None:
    one = FakeRegistry(login=("reader", "read-me"), mode="basic")
    other = FakeRegistry(login=("writer", "write-me"), mode="bearer")
    async with (
        one,
        other,
        open_registry(one.host, Login("reader", "read-me")) as source,
        open_registry(other.host, Login("writer", "write-me")) as target,
    ):
        pair = Pair(source, target, (one, other))
        image = await put_manifest(source, pair.here, [random_layer()])
        assert (await pair.copy(image.digest)).moved == "copied"
        assert await holds(target, pair.there, image.digest)
        given = [{seen.authorization for seen in fake.seen} - {None} for fake in (one, other)]
        assert len(given[0]) == 1
        assert not given[0] & given[1]


async def test_a_target_that_may_not_be_written_to_says_so(between: Pair) -> None:
    image = await put_manifest(between.source, between.here, [random_layer()])
    between.fakes[1].twist("POST", ".*", answer(403), times=-1)
    error = await fails_with(faults.RIGHT_MISSING, between.copy(image.digest))
    assert between.there.name in error.where


async def test_a_target_that_answers_another_digest_is_not_believed(between: Pair) -> None:
    image = await put_manifest(between.source, between.here, [random_layer()])
    lie = set_header("Docker-Content-Digest", "sha256:" + "0" * 64)
    between.fakes[1].twist("PUT", r"/v2/prod/web/manifests/.*", lie)
    await fails_with(faults.WRONG_DIGEST, between.copy(image.digest))
    tag = rf"/v2/prod/web/manifests/{image.digest.tag}"
    between.fakes[1].shelf("prod/web").tags.clear()

    async def mislead(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        if between.fakes[1].count("PUT", tag) > 1:
            response.headers["Docker-Content-Digest"] = "sha256:" + "0" * 64
        return response

    between.fakes[1].twist("HEAD", tag, mislead, times=-1)
    error = await fails_with(faults.WRONG_DIGEST, between.copy(image.digest))
    assert "after the copy" in error.seen


@pytest.mark.parametrize("fault", [truncate(), answer(200, "x" * 2_000)], ids=["half", "lie"])
async def test_a_blob_that_is_not_whole_is_not_kept(between: Pair, fault: Callable[..., object]) -> None:
    image = await put_manifest(between.source, between.here, [random_layer()])
    between.fakes[0].twist("GET", rf"/v2/dev/web/blobs/{image.layers[0].digest}", fault)  # type: ignore[arg-type]
    with pytest.raises(ProviderError) as caught:
        await between.copy(image.digest)
    assert caught.value.code in {faults.BROKEN_OFF.code, faults.WRONG_DIGEST.code}
    assert between.here.name in caught.value.where
    assert image.layers[0].digest.text not in between.fakes[1].shelf("prod/web").blobs
    assert (await between.copy(image.digest)).moved == "copied"


async def _everything(pair: Pair) -> tuple[Manifest, list[Manifest]]:
    part = await put_manifest(pair.source, pair.here, [random_layer()], tagged=False)
    image = await put_index(pair.source, pair.here, part)
    return image, [
        await attach(pair.source, pair.here, image.digest, "sbom"),
        await sign(pair.source, pair.here, image.digest, "sig"),
    ]


@dataclass
class FailAt:
    """Fails one request of a registry, whatever it is."""

    step: int
    seen: int = 0

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.seen += 1
        return web.Response(status=503) if self.seen == self.step else await handler(request)


@pytest.mark.parametrize("side", [0, 1], ids=["source", "target"])
async def test_interrupted_at_any_request_a_repeat_finishes(between: Pair, side: int) -> None:
    """And the tag of the digest never says more than is there."""
    image, attached = await _everything(between)
    tag, whole = between.there.with_tag(image.digest.tag), [image, *attached]
    for step in range(1, 100):
        between.fakes[1].shelves.clear()
        fault = FailAt(step)
        for method in ("GET", "HEAD", "POST", "PUT"):
            between.fakes[side].twist(method, ".*", fault, times=-1)
        with suppress(ProviderError):
            await between.copy(image.digest)
        between.fakes[side].twists.clear()
        if await between.target.digest(tag) is not None:
            assert [one for one in whole if not await holds(between.target, between.there, one.digest)] == []
        await between.copy(image.digest)
        assert [one for one in whole if not await holds(between.target, between.there, one.digest)] == []
        if fault.seen < step:
            break
    assert step > 10


async def test_lost_replies_cost_nothing(between: Pair) -> None:
    image = await put_manifest(between.source, between.here, [random_layer()])
    for path in (r".*/blobs/uploads/.+", r".*/manifests/.*"):
        between.fakes[1].twist("PUT", path, lose_reply(), times=2)
    assert (await between.copy(image.digest)).moved == "copied"
    assert await holds(between.target, between.there, image.digest)

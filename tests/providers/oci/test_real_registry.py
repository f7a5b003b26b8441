"""The client against the Distribution registry itself, open and behind a login."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from ground import RunningEngine
from local_registry import find_free_port
from oci_errors import CANARY, fails_with
from oci_images import content_of, describe, image_manifest, index_manifest, push_image
from oci_sets import attach, holds, put_index, put_manifest, random_layer, sign
from providers.oci import OciRegistry, faults, open_registry
from providers.oci.manifest import CONFIG_LIMIT, MEDIA_TYPES, OCI_INDEX, read_manifest
from providers.oci.transport import Content
from reconciler.provider import Login, ProviderError, Transfer
from specs.reference import ImageRef

pytestmark = pytest.mark.engine

CI = Login("ci", CANARY)
HTPASSWD = "ci:$2b$05$MYHomFamjab6SxKHIccPk.o2W06/jOsXpDykpXaWSDCWjIPWG1iQy\n"


@pytest.fixture
async def real(registry_host: str) -> AsyncIterator[OciRegistry]:
    async with open_registry(registry_host) as registry:
        yield registry


@pytest.fixture
def ref(registry_host: str) -> ImageRef:
    return ImageRef(registry_host, f"oci/{secrets.token_hex(4)}", "in-1")


@pytest.fixture(scope="module")
def guarded_host(newest_engine: RunningEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry in a container that wants user name and password (bcrypt in an htpasswd file)."""
    passwords = tmp_path_factory.mktemp("login") / "htpasswd"
    passwords.write_text(HTPASSWD)
    port = find_free_port()
    settings = ("REGISTRY_AUTH=htpasswd", "REGISTRY_AUTH_HTPASSWD_REALM=test")
    options = [
        part for setting in (*settings, "REGISTRY_AUTH_HTPASSWD_PATH=/htpasswd") for part in ("-e", setting)
    ]
    container = newest_engine.cli("create", "-p", f"127.0.0.1:{port}:5000", *options, "registry:2")
    try:
        newest_engine.cli("cp", str(passwords), f"{container}:/htpasswd")
        newest_engine.cli("start", container)
        yield f"127.0.0.1:{port}"
    finally:
        newest_engine.cli("rm", "--force", "--volumes", container)


async def until_up(registry: OciRegistry) -> None:
    """Wait until the registry answers at all; what it answers is the test's concern."""
    for _ in range(100):
        try:
            await registry.tags(ImageRef(registry.host, "absent"))
            return
        except ProviderError as error:
            if error.code not in {faults.UNREACHABLE.code, faults.BROKEN_OFF.code}:
                return
        await asyncio.sleep(0.1)


async def test_an_index_and_its_image_go_in_and_come_out(real: OciRegistry, ref: ImageRef) -> None:
    pushed = await push_image(real, ref)
    image = await real.manifests.get(ref)
    assert image is not None
    index = index_manifest(OCI_INDEX, image)
    await real.manifests.put(ref.with_tag("index"), index)
    assert await real.digest(ref.with_tag("index")) == index.digest
    assert (await real.digest(ref), await real.digest(ref.with_digest(index.digest))) == (
        pushed,
        index.digest,
    )
    assert await real.manifests.get(ref.with_digest(index.digest)) == index
    assert image.config is not None
    config = await real.blobs.read(ref, image.config, CONFIG_LIMIT)
    assert json.loads(config)["os"] == "linux"


@pytest.mark.parametrize(
    "media_type", [one for one in MEDIA_TYPES if "index" not in one and "list" not in one]
)
async def test_both_kinds_of_image_are_tagged_byte_for_byte(
    real: OciRegistry, ref: ImageRef, media_type: str
) -> None:
    pushed = await push_image(real, ref, media_type)
    await real.tag(ref.with_digest(pushed), pushed.tag)
    one, other = await real.manifests.get(ref), await real.manifests.get(ref.with_tag(pushed.tag))
    assert one is not None
    assert one == other
    assert one.media_type == media_type
    assert await real.tags(ref) == tuple(sorted((pushed.tag, "in-1")))


async def test_a_large_blob_streams_both_ways(real: OciRegistry, ref: ImageRef) -> None:
    piece = secrets.token_bytes(1 << 20)
    whole = describe("application/octet-stream", piece * 32)
    await real.blobs.put(ref, whole, content_of(*[piece] * 32))
    size = 0
    async for chunk in real.blobs.stream(ref, whole):
        size += len(chunk)
    assert size == whole.size


async def test_a_blob_that_is_not_what_it_says_is_not_kept(real: OciRegistry, ref: ImageRef) -> None:
    wrong = describe("application/octet-stream", b"one")
    content = Content(3, content_of(b"two").read)
    await fails_with(faults.WRONG_DIGEST, real.blobs.put(ref, wrong, content))
    assert not await real.blobs.exists(ref, wrong.digest)
    await real.blobs.put(ref, wrong, content_of(b"one"))
    assert await real.blobs.exists(ref, wrong.digest)


async def test_concurrent_mounts_and_manifests_all_succeed(real: OciRegistry, ref: ImageRef) -> None:
    await push_image(real, ref)
    image = await real.manifests.get(ref)
    assert image is not None
    assert image.config is not None
    parts = [image.config, *image.layers]
    target = ImageRef(ref.host, f"{ref.repository}/copy")

    async def copy(tag: str) -> None:
        mounts = [real.blobs.place(target, part, content_of(), ref.repository) for part in parts]
        assert set(await asyncio.gather(*mounts)) <= {"mounted", "present"}
        await real.manifests.put(target.with_tag(tag), image)

    await asyncio.gather(*(copy(f"t{number}") for number in range(12)))
    assert len(await real.tags(target)) == 12


async def test_a_mount_from_nowhere_is_not_granted(real: OciRegistry, ref: ImageRef) -> None:
    content = secrets.token_bytes(8)
    described = describe("application/octet-stream", content)
    assert await real.blobs.place(ref, described, content_of(content), "oci/nowhere") == "sent"
    assert await real.blobs.exists(ref, described.digest)


async def test_a_manifest_without_its_blobs_is_refused(real: OciRegistry, ref: ImageRef) -> None:
    manifest = image_manifest(secrets.token_bytes(8), b"layer")
    await fails_with(faults.GONE, real.manifests.put(ref, manifest))
    assert await real.digest(ref) is None


async def test_a_manifest_too_large_for_the_registry_is_an_error_of_ours(
    real: OciRegistry, ref: ImageRef
) -> None:
    image = image_manifest(b"{}", b"layer")
    padded = read_manifest(image.body + b" " * (5 << 20), image.media_type)
    await fails_with(faults.REQUEST_REFUSED, real.manifests.put(ref, padded))


async def test_works_behind_a_login(guarded_host: str) -> None:
    ref = ImageRef(guarded_host, f"oci/{secrets.token_hex(4)}", "in-1")
    async with open_registry(guarded_host, CI) as registry:
        await until_up(registry)
        await registry.ping()
        pushed = await push_image(registry, ref)
        assert await registry.digest(ref) == pushed
        await registry.put_inputs(ref.with_tag("in-1.inputs"), b"{}")
        assert await registry.inputs(ref.with_tag("in-1.inputs")) == b"{}"


async def test_an_image_with_all_that_belongs_to_it_goes_from_one_registry_to_another(
    real: OciRegistry, ref: ImageRef, guarded_host: str
) -> None:
    """Then within that one, where nothing is sent. Neither keeps a list of referrers."""
    part = await put_manifest(real, ref, [random_layer(3 << 20), random_layer()], tagged=False)
    image = await put_index(real, ref, part)
    listed = await attach(real, ref, image.digest, "sbom")
    cosigned = await sign(real, ref, image.digest, "sig")
    sent: list[int] = []
    async with open_registry(guarded_host, CI) as guarded:
        await until_up(guarded)
        there = ImageRef(guarded_host, f"copies/{secrets.token_hex(4)}")
        within = ImageRef(guarded_host, f"{there.repository}/again")
        for origin, source, target, expected in (
            (real, ref, there, "copied"),
            (real, ref, there, "present"),
            (guarded, there, within, "mounted"),
        ):
            sent.clear()
            moved = await guarded.copy(source.with_digest(image.digest), target, origin, sent.append)
            assert moved == Transfer(expected)
            assert (sum(sent) > 3 << 20) == (expected == "copied")
            for one in (image, listed, cosigned):
                assert await holds(guarded, target, one.digest)
            entries = (await guarded.side.attachments.referrers(target.with_digest(image.digest))).entries
            assert set(entries) == {listed.digest}
            signature, index = f"sha256-{image.digest.hex}.sig", f"sha256-{image.digest.hex}"
            assert await guarded.tags(target) == tuple(sorted((signature, index, image.digest.tag)))


async def test_works_with_what_the_docker_client_wrote(
    guarded_host: str, newest_engine: RunningEngine, tmp_path: Path
) -> None:
    """The docker client logs in on this machine, and its config.json is read."""
    async with open_registry(guarded_host) as registry:
        await until_up(registry)
    login = ("login", "-u", "ci", "--password-stdin", guarded_host)
    newest_engine.cli("--config", str(tmp_path), *login, text=CANARY)
    async with open_registry(guarded_host, docker_config=tmp_path) as registry:
        await registry.ping()


@pytest.mark.parametrize("login", [None, Login("ci", "not it"), Login("nobody", CANARY)])
async def test_without_the_right_login_everything_is_refused(guarded_host: str, login: Login | None) -> None:
    ref = ImageRef(guarded_host, "oci/x", "in-1")
    fault = faults.LOGIN_REFUSED if login else faults.LOGIN_NEEDED
    async with open_registry(guarded_host, login) as registry:
        await until_up(registry)
        await fails_with(fault, registry.ping())
        await fails_with(fault, registry.digest(ref))
        await fails_with(fault, registry.put_inputs(ref, b"{}"))

"""What every registry does, whoever implements it: in memory, over HTTP against a fake, a real one."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from fake_registry import FakeRegistry
from oci_images import push_image
from providers.memory import MemoryRegistry
from providers.oci import open_registry
from reconciler.provider import ProviderError, Registry
from specs.reference import Digest, ImageRef


@dataclass
class Case:
    """A registry under test, a repository of its own, and a way to push an image there."""

    registry: Registry
    ref: ImageRef
    push: Callable[[ImageRef], Awaitable[Digest]]


async def _open_memory(ref: ImageRef) -> Case:
    registry = MemoryRegistry(ref.host)

    async def push(ref: ImageRef) -> Digest:
        return registry.push(ref)

    return Case(registry, ref, push)


@pytest.fixture(params=["memory", "fake", pytest.param("real", marks=pytest.mark.engine)])
async def case(request: pytest.FixtureRequest) -> AsyncIterator[Case]:
    repository = f"contract/{secrets.token_hex(4)}"
    if request.param == "memory":
        yield await _open_memory(ImageRef("registry.test", repository, "in-1"))
        return
    async with FakeRegistry() as fake:
        host = request.getfixturevalue("registry_host") if request.param == "real" else fake.host
        async with open_registry(host) as registry:

            async def push(ref: ImageRef) -> Digest:
                return await push_image(registry, ref)

            yield Case(registry, ImageRef(host, repository, "in-1"), push)


async def test_answers_a_ping(case: Case) -> None:
    await case.registry.ping()


async def test_an_absent_tag_and_an_absent_digest_are_answers(case: Case) -> None:
    absent = Digest.parse("sha256:" + "0" * 64)
    assert await case.registry.digest(case.ref) is None
    assert await case.registry.digest(case.ref.with_digest(absent)) is None


async def test_a_tag_names_the_digest_that_was_pushed(case: Case) -> None:
    pushed = await case.push(case.ref)
    assert await case.registry.digest(case.ref) == pushed
    assert await case.registry.digest(case.ref.with_digest(pushed)) == pushed
    assert await case.registry.digest(case.ref.with_tag("other")) is None


async def test_another_tag_names_the_same_digest(case: Case) -> None:
    pushed = await case.push(case.ref)
    await case.registry.tag(case.ref.with_digest(pushed), pushed.tag)
    await case.registry.tag(case.ref.with_digest(pushed), pushed.tag)
    assert await case.registry.digest(case.ref.with_tag(pushed.tag)) == pushed


async def test_an_absent_manifest_cannot_be_tagged(case: Case) -> None:
    absent = Digest.parse("sha256:" + "0" * 64)
    with pytest.raises(ProviderError):
        await case.registry.tag(case.ref.with_digest(absent), "d-0")
    assert await case.registry.digest(case.ref.with_tag("d-0")) is None


async def test_inputs_that_nobody_pushed_are_none(case: Case) -> None:
    assert await case.registry.inputs(case.ref.with_tag("in-1.inputs")) is None


@pytest.mark.parametrize("size", [0, 2, 6 << 20])
async def test_inputs_come_back_byte_for_byte(case: Case, size: int) -> None:
    document, ref = secrets.token_bytes(size), case.ref.with_tag("in-1.inputs")
    await case.registry.put_inputs(ref, document)
    await case.registry.put_inputs(ref, document)
    assert await case.registry.inputs(ref) == document


async def test_inputs_pushed_last_are_what_the_tag_holds(case: Case) -> None:
    ref = case.ref.with_tag("in-1.inputs")
    await case.registry.put_inputs(ref, b'{"a": 1}')
    await case.registry.put_inputs(ref, b'{"a": 2}')
    assert await case.registry.inputs(ref) == b'{"a": 2}'

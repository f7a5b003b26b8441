"""What every registry does, whoever implements it: in memory, over HTTP against a fake, a real one."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from fake_registry import FakeRegistry
from oci_images import push_image
from providers.memory import MemoryRegistry
from providers.oci import open_registry
from reconciler.provider import ProviderError, Registry, Stale, Transfer
from specs.reference import Digest, ImageRef


@dataclass
class Case:
    """A registry under test, a repository of its own, and a way to push an image there."""

    registry: Registry
    ref: ImageRef
    push: Callable[[ImageRef], Awaitable[Digest]]
    other: Registry
    """Another registry, to copy into; and a repository there."""
    there: ImageRef


async def _open_memory(ref: ImageRef) -> Case:
    registry = MemoryRegistry(ref.host)

    async def push(ref: ImageRef) -> Digest:
        return registry.push(ref)

    other = MemoryRegistry("other.test")
    return Case(registry, ref, push, other, ImageRef("other.test", "contract/there"))


@pytest.fixture(params=["memory", "fake", pytest.param("real", marks=pytest.mark.engine)])
async def case(request: pytest.FixtureRequest) -> AsyncIterator[Case]:
    repository = f"contract/{secrets.token_hex(4)}"
    if request.param == "memory":
        yield await _open_memory(ImageRef("registry.test", repository, "in-1"))
        return
    async with FakeRegistry() as fake, FakeRegistry() as elsewhere:
        host = request.getfixturevalue("registry_host") if request.param == "real" else fake.host
        async with open_registry(host) as registry, open_registry(elsewhere.host) as other:

            async def push(ref: ImageRef) -> Digest:
                return await push_image(registry, ref)

            there = ImageRef(elsewhere.host, f"{repository}/there")
            yield Case(registry, ImageRef(host, repository, "in-1"), push, other, there)


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


async def test_a_record_comes_back_and_the_newest_counts(case: Case) -> None:
    ref = case.ref.with_tag("record-dev")
    assert await case.registry.record(ref) is None
    for document in (b'{"at": 1}', b'{"at": 2}'):
        await case.registry.put_record(ref, document)
        assert await case.registry.record(ref) == document


@pytest.mark.parametrize("is_within", [True, False], ids=["within", "between"])
async def test_a_copy_is_there_by_digest_and_under_its_own_tag_alone(case: Case, is_within: bool) -> None:
    pushed = await case.push(case.ref)
    target, registry = (replace(case.ref, repository=f"{case.ref.repository}/there"), case.registry)
    if not is_within:
        target, registry = case.there, case.other
    sizes: list[int] = []
    for expected in ("mounted" if is_within else "copied", "present"):
        moved = await registry.copy(case.ref.with_digest(pushed), target, case.registry, sizes.append)
        assert moved == Transfer(expected)
        assert await registry.digest(target.with_digest(pushed)) == pushed
        assert await registry.digest(target.with_tag(pushed.tag)) == pushed
    assert await registry.digest(target.with_tag("in-1")) is None
    assert not is_within or sum(sizes) == 0


async def test_what_is_gone_cannot_be_copied(case: Case) -> None:
    absent = case.ref.with_digest(Digest.parse("sha256:" + "0" * 64))
    with pytest.raises(Stale):
        await case.other.copy(absent, case.there, case.registry, lambda size: None)
    assert absent.digest is not None
    assert await case.other.digest(case.there.with_digest(absent.digest)) is None

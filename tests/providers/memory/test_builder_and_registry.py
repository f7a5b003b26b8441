"""The builder and the registry in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from providers.memory import MemoryBuilder, MemoryRegistry, digest_of
from reconciler.provider import BuildRequest, ProviderError, Refused
from specs.reference import ImageRef

REF = ImageRef("registry.test", "shop/web", "in-1")


def no_context() -> Iterator[bytes]:
    return iter(())


def request(key: str = "in-1") -> BuildRequest:
    return BuildRequest(key, REF, b"FROM scratch\n", no_context, None, {}, (), {})


async def test_a_build_is_a_function_of_its_key_and_lands_in_the_registry() -> None:
    registry = MemoryRegistry("registry.test")
    lines: list[str] = []
    digest = await MemoryBuilder({"registry.test": registry}).build(request(), lines.append)
    assert digest == digest_of("in-1") == await registry.digest(REF)
    assert await registry.digest(REF.with_digest(digest)) == digest
    assert lines == ["#1 building"]


async def test_two_keys_can_build_the_same_bytes() -> None:
    same = digest_of("bytes")
    builder = MemoryBuilder({"registry.test": MemoryRegistry()}, digests={"a": same, "b": same})
    assert {await builder.build(request(k), print) for k in ("a", "b")} == {same}


async def test_a_failing_build_prints_and_pushes_nothing() -> None:
    registry, lines = MemoryRegistry(), list[str]()
    builder = MemoryBuilder({"registry.test": registry})
    builder.fail("in-1", Refused("BLD001", "Dockerfile:3", "exit code 1"), ["make: *** error"])
    with pytest.raises(Refused):
        await builder.build(request(), lines.append)
    assert lines[-1] == "make: *** error"
    assert await registry.digest(REF) is None
    builder.recover()
    assert await builder.build(request(), lines.append)
    assert builder.built == ["in-1", "in-1"]


async def test_a_reply_lost_after_the_push_leaves_the_image() -> None:
    registry = MemoryRegistry()
    builder = MemoryBuilder({"registry.test": registry})
    builder.faults.add("build.push", 1, None, "after", 1)
    with pytest.raises(ProviderError):
        await builder.build(request(), print)
    assert await registry.digest(REF) == digest_of("in-1")


async def test_tags_documents_and_collection() -> None:
    registry = MemoryRegistry()
    digest = registry.push(REF)
    by_digest = REF.with_digest(digest)
    await registry.tag(by_digest, digest.tag)
    assert await registry.digest(REF.with_tag(digest.tag)) == digest
    await registry.put_inputs(REF.with_tag("in-1.inputs"), b"{}")
    assert await registry.inputs(REF.with_tag("in-1.inputs")) == b"{}"
    assert await registry.inputs(REF.with_tag("in-2.inputs")) is None
    registry.forget(by_digest)
    assert await registry.digest(REF) is None
    with pytest.raises(ProviderError):
        await registry.tag(by_digest, "again")


async def test_a_registry_that_does_not_answer() -> None:
    registry = MemoryRegistry()
    registry.fail("digest", times=None)
    with pytest.raises(ProviderError):
        await registry.digest(REF)
    registry.faults.clear()
    assert await registry.digest(REF) is None

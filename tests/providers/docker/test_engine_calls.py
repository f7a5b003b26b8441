"""Changing things over the socket: every way in which an engine may answer, or not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from providers.docker import DockerRuntime
from providers.docker.engine import Engine
from providers.docker.faults import EngineError
from providers.docker.images import Images
from reconciler.provider import Login, ProviderError, Refused
from scripted_socket import CLOSE, HANG, scripted
from specs.reference import ImageRef

VERSION = b'{"ApiVersion": "1.45", "MinAPIVersion": "1.24"}'
REF = ImageRef.parse("registry.example.com/web@sha256:" + "d" * 64)


def answer(status: int, body: bytes, kind: bytes = b"application/json") -> bytes:
    head = b"HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
    return head % (status, kind, len(body)) + body


@asynccontextmanager
async def engine_at(path: Path, *answers: bytes) -> AsyncIterator[Engine]:
    async with scripted(path, [answer(200, VERSION)], answers):
        engine = Engine(str(path))
        try:
            yield engine
        finally:
            await engine.close()


async def test_json_comes_back_and_nothing_is_none(tmp_path: Path) -> None:
    async with engine_at(tmp_path / "s", answer(201, b'{"Id": "1"}'), answer(204, b"")) as engine:
        assert await engine.write("POST", "/volumes/create", body={"Name": "x"}) == {"Id": "1"}
        assert await engine.write("DELETE", "/x", {"force": 1}) is None


async def test_an_error_has_its_status_and_the_engines_words(tmp_path: Path) -> None:
    async with engine_at(tmp_path / "s", answer(409, b'{"message": "in use"}')) as engine:
        with pytest.raises(EngineError) as raised:
            await engine.write("DELETE", "/volumes/x")
    assert (raised.value.status, raised.value.code, raised.value.seen) == (409, "DKR010", "in use")


async def test_silence_ends_at_the_deadline(tmp_path: Path) -> None:
    async with engine_at(tmp_path / "s", HANG) as engine:
        with pytest.raises(EngineError) as raised:
            await engine.write("POST", "/x", deadline=0.1)
    assert (raised.value.code, raised.value.status) == ("DKR003", 0)


async def test_a_closed_connection_is_no_answer(tmp_path: Path) -> None:
    async with engine_at(tmp_path / "s", CLOSE) as engine:
        with pytest.raises(EngineError) as raised:
            await engine.write("POST", "/x", deadline=2.0)
    assert (raised.value.code, raised.value.status) == ("DKR004", 0)


@pytest.mark.parametrize(
    ("words", "code", "kind"),
    [
        ("unauthorized: authentication required", "DKR022", Refused),
        ("pull access denied for web, repository does not exist", "DKR022", Refused),
        ("manifest unknown", "DKR023", ProviderError),
        ("toomanyrequests: slow down", "DKR023", ProviderError),
    ],
)
@pytest.mark.parametrize("streamed", [True, False])
async def test_a_pull_fails_with_the_registrys_words(
    tmp_path: Path, words: str, code: str, kind: type[ProviderError], streamed: bool
) -> None:
    lines = [{"status": "Pulling"}, {"errorDetail": {"message": words}, "error": words}]
    stream = b"\r\n".join(json.dumps(line).encode() for line in lines)
    reply = answer(200, stream) if streamed else answer(500, json.dumps({"message": words}).encode())
    async with engine_at(tmp_path / "s", reply) as engine:
        with pytest.raises(kind) as raised:
            await Images(engine).pull(REF, Login("me", "pa55"))
    assert (raised.value.code, raised.value.seen, raised.value.where) == (code, words, str(REF))
    assert "pa55" not in repr(raised.value)


async def test_a_pull_without_progress_is_given_up(tmp_path: Path) -> None:
    async with engine_at(tmp_path / "s", HANG) as engine:
        progress = engine.follow("/images/create", {"fromImage": "x"}, {}, 0.1)
        with pytest.raises(EngineError) as raised:
            _ = [message async for message in progress]
    assert raised.value.code == "DKR003"


async def test_an_engine_that_is_away_fails_every_verb_alike(tmp_path: Path) -> None:
    runtime = DockerRuntime(f"unix://{tmp_path / 'absent'}")
    with pytest.raises(ProviderError) as raised:
        await runtime.pull(REF, None)
    assert raised.value.code == "DKR001"
    await runtime.close()

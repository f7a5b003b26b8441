"""Reading over the socket: every way in which an engine may answer, or not."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from providers.docker.api_version import choose_version
from providers.docker.engine import Engine
from providers.docker.faults import EngineError
from providers.docker.wire import Wire
from scripted_socket import CLOSE, HANG, scripted

DATE = b"Date: Tue, 24 Nov 2026 20:00:00 GMT\r\n"
PLAIN = b"HTTP/1.1 200 OK\r\n" + DATE + b"Content-Length: 2\r\n\r\n{}"
TRAILED = b"4\r\n[1,2\r\n1;note=x\r\n]\r\n0\r\nTrailer: x\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + TRAILED
VERSION = b'{"ApiVersion": "1.45", "MinAPIVersion": "1.24"}'
VERSIONED = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(VERSION), VERSION)


async def get(path: Path, deadline: float = 2.0) -> bytes:
    wire = Wire(str(path))
    try:
        return (await wire.get("/x", deadline)).body
    finally:
        wire.close()


async def test_plain_and_chunked_answers_on_one_connection(tmp_path: Path) -> None:
    path = tmp_path / "s"
    async with scripted(path, [PLAIN, CHUNKED, PLAIN]) as requests:
        wire = Wire(str(path))
        bodies = [(await wire.get(f"/{number}", 2.0)).body for number in range(3)]
        wire.close()
    assert bodies == [b"{}", b"[1,2]", b"{}"]
    assert requests == [b"GET /0 HTTP/1.1", b"GET /1 HTTP/1.1", b"GET /2 HTTP/1.1"]


async def test_an_idle_connection_that_was_closed_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s"
    async with scripted(path, [PLAIN], [CHUNKED]):
        wire = Wire(str(path))
        assert (await wire.get("/1", 2.0)).body == b"{}"
        await asyncio.sleep(0.05)
        assert (await wire.get("/2", 2.0)).body == b"[1,2]"
        wire.close()


async def test_a_connection_that_is_to_be_closed_is_not_used_again(tmp_path: Path) -> None:
    path = tmp_path / "s"
    closing = PLAIN.replace(b"Content-Length", b"Connection: close\r\nContent-Length")
    async with scripted(path, [closing, HANG], [PLAIN]):
        wire = Wire(str(path))
        assert [(await wire.get("/x", 1.0)).body for _ in range(2)] == [b"{}", b"{}"]
        wire.close()


@pytest.mark.parametrize(
    "answer",
    [
        CLOSE,
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
    ],
)
async def test_a_broken_answer_is_an_error_of_its_own(tmp_path: Path, answer: bytes) -> None:
    async with scripted(tmp_path / "s", [answer]):
        with pytest.raises(EngineError) as raised:
            await get(tmp_path / "s")
    assert raised.value.code == "DKR004"


async def test_silence_ends_at_the_deadline_and_harms_no_other_call(tmp_path: Path) -> None:
    path = tmp_path / "s"
    async with scripted(path, [HANG], [PLAIN]):
        wire = Wire(str(path))
        with pytest.raises(EngineError) as raised:
            await wire.get("/containers/x/json?a=1", 0.05)
        assert (raised.value.code, raised.value.status) == ("DKR003", 0)
        assert "/containers/x/json within 0.05 s" in str(raised.value)
        assert (await wire.get("/x", 2.0)).body == b"{}"
        wire.close()


async def test_no_socket_and_no_permission_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as raised:
        await get(tmp_path / "absent")
    assert raised.value.code == "DKR001"
    assert "start the engine" in raised.value.remedy
    (tmp_path / "plain").write_text("")
    with pytest.raises(EngineError) as raised:
        await get(tmp_path / "plain")
    assert raised.value.code == "DKR001"


async def test_the_version_is_asked_for_once_and_put_before_each_path(tmp_path: Path) -> None:
    path = tmp_path / "s"
    answer = b'HTTP/1.1 404 Not Found\r\nContent-Length: 15\r\n\r\n{"message":"x"}'
    async with scripted(path, [VERSIONED, PLAIN, answer, PLAIN]) as requests:
        engine = Engine(str(path))
        assert engine.clock() is None
        assert await engine.read("/a b", {"x": "1&2"}) == {}
        assert engine.clock() == 1795550400.0
        assert await engine.find("/c") is None
        assert await engine.find("/c") == {}
        await engine.close()
    assert requests == [
        b"GET /version HTTP/1.1",
        b"GET /v1.45/a%20b?x=1%262 HTTP/1.1",
        b"GET /v1.45/c HTTP/1.1",
        b"GET /v1.45/c HTTP/1.1",
    ]


@pytest.mark.parametrize(
    ("newest", "oldest", "chosen"),
    [("1.41", "1.12", "1.41"), ("1.45", "1.24", "1.45"), ("1.99", "1.44", "1.51"), ("1.99", "1.60", "1.60")],
)
def test_the_newest_version_that_both_speak(newest: str, oldest: str, chosen: str) -> None:
    assert choose_version("x", {"ApiVersion": newest, "MinAPIVersion": oldest}) == chosen


@pytest.mark.parametrize(
    ("answer", "code"),
    [({"ApiVersion": "1.40"}, "DKR005"), ({}, "DKR004"), ({"ApiVersion": "new"}, "DKR004")],
)
def test_an_engine_that_is_too_old_or_none_is_refused(answer: dict[str, str], code: str) -> None:
    with pytest.raises(EngineError) as raised:
        choose_version("x", dict(answer))
    assert raised.value.code == code
    assert code != "DKR005" or "1.41" in raised.value.expected


def test_looking_imports_no_http_library() -> None:
    code = "import sys, providers.docker; print(sorted({'aiohttp', 'aiodocker'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

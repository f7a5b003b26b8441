"""Every class of fault on every kind of call: the right answer or an error that says all; never another."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from engine_faults import FAULTS, Fault
from faulty_engine import Call, FaultyEngine
from hasty_engine import HastyEngine
from providers.docker.engine import Engine
from providers.docker.faults import CODES, EngineError

LIST = [{"Id": "1", "Names": ["/one"]}, {"Id": "2", "Names": ["/two"]}]
ANSWERS: dict[str, object] = {
    "GET /version": {"ApiVersion": "1.45", "MinAPIVersion": "1.24"},
    "GET /containers/json": LIST,
    "GET /containers/x/json": LIST[0],
    "POST /containers/create": {"Id": "3", "Warnings": []},
    "POST /containers/x/start": None,
    "DELETE /containers/x": None,
    "PUT /containers/x/archive": b"",
    "POST /images/create": b'{"status": "one"}\r\n{"status": "two"}\r\n',
}


@asynccontextmanager
async def small_engine(path: Path) -> AsyncIterator[None]:
    """Answers what ANSWERS say, each connection once."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.decode().split(" ", 2)
        answer = ANSWERS[f"{method} {target.partition('?')[0].replace('/v1.45', '')}"]
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        status = (
            "204 No Content\r\n\r\n" if answer is None else f"200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(b"HTTP/1.1 " + status.encode() + (b"" if answer is None else body))
        writer.close()

    async with await asyncio.start_unix_server(serve, path):
        yield


async def _pull(engine: Engine) -> object:
    return [message async for message in engine.follow("/images/create", {}, {}, 5.0)]


DEEDS: dict[str, tuple[Callable[[Engine], Awaitable[object]], object]] = {
    "GET /version": (lambda e: e.version(), "1.45"),
    "GET /containers/json": (lambda e: e.read_list("/containers/json"), LIST),
    "GET /containers/*/json": (lambda e: e.find("/containers/x/json"), LIST[0]),
    "POST /containers/create": (lambda e: e.create("/containers/create", body={"Image": "x"}), "3"),
    "POST /containers/*/start": (lambda e: e.write("POST", "/containers/x/start"), None),
    "DELETE /containers/*": (lambda e: e.write("DELETE", "/containers/x", {"v": 1}), None),
    "PUT /containers/*/archive": (lambda e: e.write("PUT", "/containers/x/archive", body=b"tar"), None),
    "POST /images/create": (_pull, [{"status": "one"}, {"status": "two"}]),
}
IGNORED = {"POST /containers/*/start", "DELETE /containers/*", "PUT /containers/*/archive"}
"""Calls whose answer says nothing but its status: a spoiled body is no fault."""
_PATIENT = 10.0
"""Seconds for an answer that nothing spoils, on a machine with much else to do."""
UNSEEN = ("empty-success", "half-json")
"""Progress that ends early: what it was the progress of tells whether it is there."""


@pytest.mark.parametrize("kind", DEEDS)
@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_the_right_answer_or_an_error_that_says_all(tmp_path: Path, kind: str, fault: Fault) -> None:
    deed, right = DEEDS[kind]
    spoiled = 0

    def choose(call: Call) -> Fault | None:
        nonlocal spoiled
        spoiled += call.kind == kind
        return fault if call.kind == kind and spoiled <= 2 else None

    async with small_engine(tmp_path / "engine"), FaultyEngine(tmp_path / "s", tmp_path / "engine") as faulty:
        engine = HastyEngine(str(faulty.path))
        engine.moment = _PATIENT
        try:
            if kind != "GET /version":
                await engine.version()
            faulty.choose, engine.moment = choose, 0.25
            error = None
            try:
                given = await deed(engine)
            except EngineError as raised:
                error = raised
            if error is not None:
                check_says_all(error)
                assert not fault.harmless
            elif kind not in IGNORED and not (kind == "POST /images/create" and fault.name in UNSEEN):
                assert given == right
            faulty.choose, engine.moment = lambda call: None, _PATIENT
            await asyncio.sleep(0.01)  # until a connection that was closed is known to be
            assert await deed(engine) == right
        finally:
            await engine.close()
    assert spoiled


def check_says_all(error: EngineError) -> None:
    """A stable code and four parts."""
    assert error.code in CODES
    assert all((error.where, error.seen, error.expected, error.remedy)), repr(error)
    assert "\n" not in error.message
    assert len(error.message) < 700

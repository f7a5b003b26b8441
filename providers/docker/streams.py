"""Connections to the engine that carry a stream: answers that do not end, and streams of processes.

An answer to an upgraded request has no body of HTTP's: from then on the bytes are the process's own, framed
where it has no terminal (a byte for the stream, three zeros, four bytes of length, the bytes).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from providers.docker.engine import READ, Engine, Query, message_of, target_of
from providers.docker.faults import answer_error, unclear
from providers.docker.tree import Node
from providers.docker.wire import BrokenAnswer, parse_head, read_head, silent

_PIECE = 1 << 16
_MAX_FRAME = 1 << 24
_MAX_ERROR = 1 << 14
_SYSTEM_ERROR = 3
_UPGRADE = "Connection: Upgrade\r\nUpgrade: tcp\r\n"


@dataclass(slots=True)
class Streaming:
    """An answer whose body is read as it comes. Close it."""

    where: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    chunked: bool
    _left: int = field(default=0)
    """Bytes of the present chunk that are still to come."""
    _ended: bool = False

    async def read(self) -> bytes:
        """The next bytes of the body; none at its end. Raises EngineError when it is cut off."""
        try:
            return await (self._read_chunk() if self.chunked else self.reader.read(_PIECE))
        except (asyncio.IncompleteReadError, ValueError):
            raise unclear(self.where, "the answer was cut off") from None
        except OSError as error:
            raise unclear(self.where, f"the connection broke: {error.strerror or error}") from None

    async def _read_chunk(self) -> bytes:
        if self._ended:
            return b""
        if self._left == 0:
            self._left = int((await self.reader.readline()).partition(b";")[0], 16)
            if self._left <= 0:
                self._ended = True
                return b""
        piece = await self.reader.read(min(self._left, _PIECE))
        if not piece:
            raise ValueError("cut off")
        self._left -= len(piece)
        if self._left == 0:
            await self.reader.readexactly(2)
        return piece

    def close(self) -> None:
        """Give the connection up."""
        self.writer.close()


async def open_answer(
    engine: Engine,
    method: Literal["GET", "POST"],
    path: str,
    query: Query | None = None,
    body: Node | None = None,
    *,
    upgrade: bool = False,
    deadline: float = READ,
) -> Streaming:
    """Send a request and read the head of its answer within ``deadline`` seconds. Raises EngineError."""
    target = f"/v{await engine.version()}{target_of(path, query)}"
    content = b"" if body is None else json.dumps(body).encode()
    lines = f"{method} {target} HTTP/1.1\r\nHost: engine\r\n{_UPGRADE if upgrade else ''}"
    if method == "POST":
        lines += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n"
    try:
        async with asyncio.timeout(deadline):
            reader, writer = await engine.dial()
            return await _begin(path, reader, writer, f"{lines}\r\n".encode() + content)
    except TimeoutError:
        raise silent(engine.where, f"{method} {path}", deadline) from None


async def _begin(
    path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> Streaming:
    try:
        writer.write(request)
        status, headers = parse_head(await read_head(reader))
        answer = Streaming(path, reader, writer, headers.get("transfer-encoding", "").lower() == "chunked")
        if status >= 400:
            raise answer_error(status, path, message_of(await _body(answer, headers)))
    except (BrokenAnswer, OSError) as error:
        writer.close()
        raise unclear(path, str(error)) from None
    except BaseException:
        writer.close()
        raise
    return answer


async def _body(answer: Streaming, headers: dict[str, str]) -> bytes:
    """The body of an error, at most 16 KiB."""
    length = headers.get("content-length", "")
    if length.isdecimal():
        with suppress(asyncio.IncompleteReadError):
            return await answer.reader.readexactly(min(int(length), _MAX_ERROR))
        return b""
    found = b""
    while len(found) < _MAX_ERROR and (piece := await answer.read()):
        found += piece
    return found


@dataclass(frozen=True, slots=True)
class Frame:
    """Bytes of one stream: 1 is stdout, 2 stderr; what one frame of a log holds is one message."""

    stream: int
    content: bytes = field(repr=False)


async def frames(answer: Streaming, framed: bool) -> AsyncIterator[Frame]:
    """The frames of a stream; where it has none every piece is one of stdout. Raises EngineError for what
    is no frame, and for what the engine itself reports in one."""
    if not framed:
        while piece := await answer.read():
            yield Frame(1, piece)
        return
    buffer = bytearray()
    while True:
        while (size := _frame_size(answer.where, buffer)) is not None and len(buffer) >= 8 + size:
            frame = Frame(buffer[0], bytes(buffer[8 : 8 + size]))
            del buffer[: 8 + size]
            if frame.stream == _SYSTEM_ERROR:
                raise unclear(answer.where, frame.content.decode("utf-8", "replace").strip()[:500])
            yield frame
        piece = await answer.read()
        if not piece:
            break
        buffer += piece
    if buffer:
        raise unclear(answer.where, "a stream that ends within a frame")


def _frame_size(where: str, buffer: bytearray) -> int | None:
    """The length of the content of the frame at the beginning; None while its head has not come."""
    if len(buffer) < 8:
        return None
    size = int.from_bytes(buffer[4:8], "big")
    if buffer[0] > _SYSTEM_ERROR or buffer[1:4] != b"\0\0\0" or size > _MAX_FRAME:
        raise unclear(where, "a stream without frames")
    return size

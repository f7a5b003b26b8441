"""Reading from the engine: GET over its unix socket with the standard library alone.

A look is a list and an inspect for each container, and most commands do no more. Importing an HTTP library
takes several times as long as the look itself (aiodocker 0.30 s, aiohttp 0.26 s; 200 inspects 0.03 s), so
reading does without it; what changes something goes through aiodocker (``engine.py``).
"""

from __future__ import annotations

import asyncio
import errno
from dataclasses import dataclass

from providers.docker.endpoint import SocketEndpoint
from providers.docker.faults import EngineError, unclear
from providers.docker.line import Line, SocketLine, Stream
from reconciler.provider import ProviderError

MAX_BODY = 64 << 20
_MAX_LINE = 64 << 10


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


class BrokenAnswer(Exception):
    """The peer closed the connection or did not speak HTTP/1.1."""


class Wire:
    """Keep-alive connections to one engine, used within one event loop."""

    def __init__(self, line: Line | str) -> None:
        self._line = SocketLine(SocketEndpoint(line)) if isinstance(line, str) else line
        self._idle: list[Stream] = []
        self.date = ""
        """The Date header of the last answer: the engine's clock in whole seconds."""
        self._ahead: set[asyncio.Task[None]] = set()
        self._reserve = self._line.reserve

    async def get(self, target: str, deadline: float) -> Answer:
        """One GET within ``deadline`` seconds. Raises EngineError."""
        try:
            async with asyncio.timeout(deadline):
                return await self._get(target)
        except TimeoutError:
            raise silent(self._line.where, target, deadline) from None
        except OSError as error:
            raise await self._line.reason(error) or unreachable(self._line.where, error) from None
        except BrokenAnswer as error:
            raise await self._line.reason(error) or unclear(
                self._line.where, f"{target.partition('?')[0]}: {error}"
            ) from None

    async def _get(self, target: str) -> Answer:
        while self._idle:
            try:
                return await self._exchange(self._idle.pop(), target)
            except (BrokenAnswer, ConnectionError):
                continue  # an idle connection that the engine closed meanwhile; reading twice does no harm
        stream = await self.dial()
        self._dial_ahead()
        try:
            return await self._exchange(stream, target)
        except (BrokenAnswer, ConnectionError):
            if not await self._line.turn():
                raise
        return await self._exchange(await self.dial(), target)

    def _dial_ahead(self) -> None:
        """Open what will be needed while the first answer is under way; once."""
        count, self._reserve = self._reserve, 0
        for _ in range(count):
            task = asyncio.create_task(self._add_idle())
            self._ahead.add(task)
            task.add_done_callback(self._ahead.discard)

    async def _add_idle(self) -> None:
        try:
            self._idle.append(await self.dial())
        except (OSError, ProviderError):
            return  # whoever needs a connection opens one, and hears of it

    async def dial(self) -> Stream:
        """A connection to the engine of the caller's own. Raises OSError."""
        return await self._line.dial()

    async def _exchange(self, stream: Stream, target: str) -> Answer:
        reader, writer = stream
        reusable = False
        try:
            writer.write(f"GET {target} HTTP/1.1\r\nHost: engine\r\n\r\n".encode())
            status, headers = parse_head(await read_head(reader))
            body = await _read_body(reader, headers)
            self.date = headers.get("date", self.date)
            reusable = headers.get("connection", "").lower() != "close"
        finally:
            if reusable:
                self._idle.append(stream)
            else:
                writer.close()
        return Answer(status, headers, body)

    def close(self) -> None:
        """Close what is idle."""
        for task in self._ahead:
            task.cancel()
        while self._idle:
            self._idle.pop()[1].close()


async def read_head(reader: asyncio.StreamReader) -> bytes:
    """The head of an answer with the empty line that ends it. Raises BrokenAnswer."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        raise BrokenAnswer("the connection was closed before an answer") from None
    except asyncio.LimitOverrunError:
        raise BrokenAnswer("the answer's header is too long") from None


def parse_head(head: bytes) -> tuple[int, dict[str, str]]:
    """Status and headers, their names in lower case. Raises BrokenAnswer."""
    first, *lines = head.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    if version != "HTTP/1.1" or not rest[:3].isdecimal():
        raise BrokenAnswer(f"not HTTP/1.1: {first[:40]!r}")
    pairs = (line.partition(":") for line in lines if line)
    return int(rest[:3]), {name.strip().lower(): value.strip() for name, _, value in pairs}


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    try:
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return await _read_chunks(reader)
        length = int(headers.get("content-length", "0"))
        if not 0 <= length <= MAX_BODY:
            raise BrokenAnswer(f"the answer claims {length} bytes")
        return await reader.readexactly(length)
    except asyncio.IncompleteReadError:
        raise BrokenAnswer("the answer was cut off") from None
    except ValueError as error:
        raise BrokenAnswer(f"the answer's length cannot be read: {error}") from None


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    parts: list[bytes] = []
    total = 0
    while size := int((await reader.readline()).partition(b";")[0], 16):
        total += size
        if size < 0 or total > MAX_BODY:
            raise BrokenAnswer("the answer is too long")
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    while (await reader.readline()).strip():
        pass  # trailers
    return b"".join(parts)


def silent(socket_path: str, target: str, deadline: float) -> EngineError:
    """The engine did not answer within ``deadline`` seconds."""
    return EngineError(
        "DKR003",
        socket_path,
        f"no answer to {target.partition('?')[0]} within {deadline:g} s",
        "an answer",
        "see whether the engine is overloaded or hangs",
    )


def unreachable(socket_path: str, error: OSError) -> EngineError:
    """The socket cannot be opened."""
    if error.errno in (errno.EACCES, errno.EPERM):
        return EngineError(
            "DKR002",
            socket_path,
            "permission denied",
            "a socket that this user may open",
            "add the user to the group that owns the socket, or run as another user",
        )
    reason = error.strerror or str(error) or "no connection"
    return EngineError(
        "DKR001",
        socket_path,
        reason,
        "a running engine behind this socket",
        "start the engine, or set runtime.endpoint or DOCKER_HOST to its socket",
    )

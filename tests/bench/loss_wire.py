"""One connection of the load, and how what goes wrong on it is named."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Self

from loss_record import Outcome


class Ended(Exception):
    """The other side closed or reset the connection before what was waited for."""


class Wire(asyncio.Protocol):
    """Bytes as they come. ``got`` says whether any came since ``send_request``."""

    def __init__(self) -> None:
        self.buffer, self.got, self.ended, self.used = bytearray(), False, False, 0
        self._waiter: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, port: int) -> Self:
        """A new connection to loopback; OSError when there is none to be had."""
        _, wire = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return wire

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        self.got = True
        self._wake()

    def eof_received(self) -> bool:
        self.ended = True
        self._wake()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = True
        self._wake()

    def send_request(self, data: bytes) -> None:
        """Send the first bytes of a request; what answers it comes after."""
        self.got = False
        self.used += 1
        self.send(data)

    def send(self, data: bytes) -> None:
        assert self._transport is not None
        if not self.ended:
            self._transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    async def until(self, mark: bytes) -> bytes:
        """What comes up to and with the mark; Ended."""
        while (place := self.buffer.find(mark)) < 0:
            await self._more()
        return self._take(place + len(mark))

    async def exactly(self, length: int) -> bytes:
        """This many bytes; Ended."""
        while len(self.buffer) < length:
            await self._more()
        return self._take(length)

    def _take(self, length: int) -> bytes:
        taken = bytes(self.buffer[:length])
        del self.buffer[:length]
        return taken

    async def _more(self) -> None:
        if self.ended:
            raise Ended
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; ``keeps``: its connection can be used again."""

    status: int
    headers: dict[str, str]
    body: bytes = b""
    keeps: bool = False

    @property
    def is_chunked(self) -> bool:
        return self.headers.get("transfer-encoding", "").lower() == "chunked"


async def read_head(wire: Wire) -> Answer:
    """Status and headers; Ended, or ValueError for what is not HTTP."""
    first, *lines = (await wire.until(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    return Answer(int(first.split(" ", 2)[1]), headers)


async def read_answer(wire: Wire) -> Answer:
    """A whole answer; Ended, or ValueError for what is not HTTP."""
    head = await read_head(wire)
    if head.is_chunked:
        body = b"".join([piece async for piece in read_chunks(wire)])
    else:
        body = await wire.exactly(int(head.headers.get("content-length", "0")))
    keeps = head.headers.get("connection", "").lower() != "close"
    return Answer(head.status, head.headers, body, keeps)


async def read_chunks(wire: Wire) -> AsyncIterator[bytes]:
    """The chunks of a body up to its end; Ended when it comes before that."""
    while size := int((await wire.until(b"\r\n")).split(b";")[0], 16):
        yield await wire.exactly(size)
        await wire.exactly(2)
    await wire.until(b"\r\n")


def name_failure(error: Exception, wire: Wire | None) -> Outcome:
    """The class of what went wrong; ``wire`` is None where there was no connection yet."""
    if isinstance(error, TimeoutError):
        return Outcome.TIMEOUT
    if isinstance(error, ConnectionRefusedError):
        return Outcome.REFUSED
    if isinstance(error, ValueError):
        return Outcome.WRONG_BODY
    if wire is not None and wire.got:
        return Outcome.TRUNCATED
    return Outcome.CLOSED_IDLE if wire is not None and wire.used > 1 else Outcome.RESET


def name_status(status: int) -> Outcome:
    """The class of an answer by its status alone."""
    if 200 <= status < 300:
        return Outcome.OK
    return Outcome.HTTP_5XX if status >= 500 else Outcome.HTTP_OTHER

"""HTTP servers on loopback that do as a script says, however wrong; and a switch for connections."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Script = Callable[[bytes, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[bool]]
"""What a server does with a request, by its head; whether it goes on with the connection."""


@asynccontextmanager
async def serving(script: Script) -> AsyncIterator[int]:
    """A server on loopback that does as the script says; its port."""

    async def connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await script(await reader.readuntil(b"\r\n\r\n"), reader, writer):
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connection, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def id_of(head: bytes) -> str:
    return head.split(b"X-Request-Id: ")[1].split(b"\r\n")[0].decode()


def answer(head: bytes, status: int = 200, body: str | None = None) -> bytes:
    text = (body or f"v1 i1 {id_of(head)}").encode()
    return b"HTTP/1.1 %d -\r\nContent-Length: %d\r\n\r\n%s" % (status, len(text), text)


def reset(writer: asyncio.StreamWriter) -> None:
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


class Switch:
    """Connections go to ``target``, a port of loopback; those that are open stay where they are."""

    def __init__(self, target: int) -> None:
        self.target = target
        self._dialling = 0

    async def turn(self, target: int) -> None:
        """Back when none is on its way to the old target any more."""
        self.target = target
        while self._dialling:
            await asyncio.sleep(0.01)

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._dialling += 1
        there, thence = await asyncio.open_connection("127.0.0.1", self.target)
        self._dialling -= 1
        await asyncio.gather(self.relay(reader, thence), self.relay(there, writer), return_exceptions=True)

    async def relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()

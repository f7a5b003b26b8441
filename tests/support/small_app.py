"""A small web application that says who answered, and can be slow, streaming, upgraded or at fault on demand;
and a client that keeps its connection."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class SmallApp:
    """``/status/503`` answers so; ``/drop`` breaks off; ``/slow`` waits for ``release``; ``/events`` is a
    stream of an event now and one at ``release``; ``/upgrade`` echoes what comes; ``/upload`` tells of its
    first bytes at once."""

    name: str
    address: str
    port: int
    release: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    served: int = 0

    async def start(self) -> None:
        self.server = await asyncio.start_server(self._serve, self.address, self.port)

    def stop(self) -> None:
        self.server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                method, target, headers = await read_head(reader)
                if not await self._answer(method, target, headers, reader, writer):
                    break
        writer.close()

    async def _answer(
        self,
        method: str,
        target: str,
        headers: dict[str, str],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        self.served += 1
        path = target.partition("?")[0]
        if path == "/drop":
            return False
        if path == "/upgrade":
            writer.write(b"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            while piece := await reader.read(1000):
                writer.write(piece.upper())
            return False
        if path == "/events":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 0\n\n")
            await self.release.wait()
            writer.write(b"data: 1\n\n")
            return False
        if path == "/upload":
            async for _ in pieces(reader, headers):
                self.arrived.set()
        else:
            body = b"".join([piece async for piece in pieces(reader, headers)])
            headers["body"] = str(len(body))
        if path == "/slow":
            self.arrived.set()
            await self.release.wait()
        status = path.removeprefix("/status/") if path.startswith("/status/") else "200"
        told = json.dumps(
            {"name": self.name, "method": method, "target": target, "headers": headers}
        ).encode()
        more = f"Server: small\r\nX-App: {self.name}\r\nContent-Length: {len(told)}"
        writer.write(f"HTTP/1.1 {status} So\r\n{more}\r\n\r\n".encode() + told)
        await writer.drain()
        return True


async def read_head(reader: asyncio.StreamReader) -> tuple[str, str, dict[str, str]]:
    """The first line's two first words, and the headers."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    one, two, *_ = first.split(" ")
    pairs = (line.partition(":") for line in lines if line)
    return one, two, {name.strip().lower(): value.strip() for name, _, value in pairs}


async def pieces(reader: asyncio.StreamReader, headers: dict[str, str]) -> AsyncIterator[bytes]:
    """The pieces of a body as they come."""
    if headers.get("transfer-encoding") == "chunked":
        while size := int(await reader.readline(), 16):
            yield await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readline()
        return
    left = int(headers.get("content-length", "0"))
    while left and (piece := await reader.read(min(left, 1 << 16))):
        left -= len(piece)
        yield piece


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> dict[str, object]:
        """What the application said."""
        found = json.loads(self.body)
        assert isinstance(found, dict)
        return found

    @property
    def name(self) -> object:
        return self.told["name"]


class Client:
    """One kept connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, target: str, host: str, method: str = "GET", body: bytes = b"", **headers: str) -> None:
        given = {"Host": host, **({"Content-Length": str(len(body))} if body else {})}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
        self.writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    async def receive(self) -> Reply:
        _, status, headers = await read_head(self.reader)
        body = b"".join([piece async for piece in pieces(self.reader, headers)])
        return Reply(int(status), headers, body)

    async def ask(
        self, target: str, host: str, method: str = "GET", body: bytes = b"", **headers: str
    ) -> Reply:
        self.send(target, host, method, body, **headers)
        return await self.receive()


@asynccontextmanager
async def client_of(port: int, host: str = "127.0.0.1") -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


async def ask(
    port: int, target: str, host: str, method: str = "GET", body: bytes = b"", **headers: str
) -> Reply:
    """One request on a connection of its own."""
    async with client_of(port) as client:
        return await client.ask(target, host, method, body, **headers)

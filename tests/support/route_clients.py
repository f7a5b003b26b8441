"""Clients that ask all the time while something is deployed: what each request came to.

Half of the requests open a connection, half use one that is kept. A kept connection that the server closes
between two requests is opened again; one that it closes while a request is on it is a loss.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Heard:
    """What was answered, by body; and what was lost, by reason."""

    answers: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    order: list[str] = field(default_factory=list)
    """Bodies as they came, one after the other without repetition."""

    def note(self, body: str) -> None:
        self.answers[body] += 1
        if not self.order or self.order[-1] != body:
            self.order.append(body)


@dataclass
class Kept:
    """One kept connection."""

    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None

    async def open(self, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.reader is None or self.writer is None or self.reader.at_eof():
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        return self.reader, self.writer

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


async def ask(kept: Kept, port: int, host: str, path: str, stays: bool) -> tuple[int, str]:
    """Status and body of one request. Raises OSError, EOFError, TimeoutError, ValueError."""
    async with asyncio.timeout(20):
        reader, writer = await kept.open(port)
        after = "keep-alive" if stays else "close"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: {after}\r\n\r\n".encode())
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        status = int(head.split(" ", 2)[1])
        if "content-length:" in head:
            length = int(head.split("content-length:")[1].split("\r\n")[0])
            body = await reader.readexactly(length)
        else:
            body = await _chunks(reader) if "chunked" in head else await reader.read()
        if not stays or "connection: close" in head:
            kept.close()
    return status, body.decode()


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body


async def _client(heard: Heard, port: int, host: str, path: str, pause: float, stays: bool) -> None:
    kept = Kept()
    while True:
        try:
            status, body = await ask(kept, port, host, path, stays)
            if status == 200:
                heard.note(body.strip())
            else:
                heard.lost[f"status {status}"] += 1
        except (OSError, EOFError, TimeoutError, ValueError) as error:
            heard.lost[type(error).__name__] += 1
            kept.close()
        await asyncio.sleep(pause)


@contextmanager
def asking(
    port: int, host: str, path: str = "/", *, clients: int = 6, pause: float = 0.03
) -> Iterator[Heard]:
    """Ask in a thread of its own until the end of the block."""
    heard, loop = Heard(), asyncio.new_event_loop()

    async def all_of_them() -> None:
        await asyncio.gather(*(_client(heard, port, host, path, pause, i % 2 == 0) for i in range(clients)))

    task = loop.create_task(all_of_them())

    def run() -> None:
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield heard
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(10)

"""The application that is deployed again and again under load: in a container, on the standard library alone.

Variables: ``VERSION``; ``PORT`` (8080); ``LOG``, a folder where each instance writes a line for each request
that it received (R) and answered (D), or nothing; ``FAULT``, what is wrong with this version, or nothing:
``never_ready``, ``exits``, ``fails_after:REQUESTS``, ``unhealthy_after:SECONDS``; or ``abrupt``: it exits at
once when asked to stop, as programs do that know nothing of signals.

When asked to stop it still accepts for a moment, then closes what is idle, ends its streams in order,
finishes what is in flight and exits.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator

from loss_frames import CLOSE, GOING_AWAY, PING, PONG, TEXT, accept_key, closing, encode, read_frame

MOMENT_S = 1.0
LONGEST_STOP_S = 15.0
EVENTS_A_SECOND = 5


class Application:
    """One instance."""

    def __init__(self, version: str, fault: str = "", log: str = "") -> None:
        self.version, self.instance = version, os.urandom(4).hex()
        kind, _, limit = fault.partition(":")
        self.fault, self.limit = kind, float(limit or 0)
        self.began, self.received = time.monotonic(), 0
        self.leaving, self.closing = False, asyncio.Event()
        self.fresh: set[asyncio.StreamWriter] = set()
        self.idle: set[asyncio.StreamWriter] = set()
        self.busy: set[asyncio.StreamWriter] = set()
        path = os.path.join(log, f"{self.instance}.log")
        self.log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644) if log else None

    def note(self, line: str) -> None:
        """A line of the instance's own log, written at once: a kill loses none."""
        if self.log is not None:
            os.write(self.log, f"{line}\n".encode())

    def is_failing(self) -> bool:
        """Whether the fault of this version has come up: then it answers 500 and is not healthy."""
        if self.fault == "never_ready":
            return True
        if self.fault == "fails_after":
            return self.received > self.limit
        return self.fault == "unhealthy_after" and time.monotonic() - self.began > self.limit

    def is_ready(self) -> bool:
        return not (self.leaving or self.is_failing())

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """All requests of one connection. It is fresh until the first, idle between them."""
        waiting = self.fresh
        try:
            while True:
                waiting.add(writer)
                head = await reader.readuntil(b"\r\n\r\n")
                waiting.discard(writer)
                self.busy.add(writer)
                if not await Request(self, reader, writer, head).answer() or self.closing.is_set():
                    return
                self.busy.discard(writer)
                waiting = self.idle
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return
        finally:
            for place in (self.fresh, self.idle, self.busy):
                place.discard(writer)
            writer.close()

    async def run(self, port: int) -> None:
        """Serve until asked to stop."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        server = await asyncio.start_server(self.connection, "0.0.0.0", port, backlog=1024)
        await stop.wait()
        if self.fault != "abrupt":
            await self.leave(server)

    async def leave(self, server: asyncio.Server, moment: float = MOMENT_S) -> None:
        """Everything that was begun is finished."""
        self.leaving = True
        await asyncio.sleep(moment)
        server.close()
        self.closing.set()
        end(self.idle)
        began = time.monotonic()
        while (self.busy or self.fresh) and time.monotonic() - began < LONGEST_STOP_S:
            await asyncio.sleep(0.02)
            if time.monotonic() - began > moment:
                end(self.fresh)


def end(writers: set[asyncio.StreamWriter]) -> None:
    """Close connections on which nothing is in flight."""
    for writer in list(writers):
        writer.close()


class Request:
    """One request and its answer."""

    def __init__(
        self, app: Application, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes
    ) -> None:
        self.app, self.reader, self.writer = app, reader, writer
        first, *lines = head.decode("latin-1").split("\r\n")
        self.verb, target, _ = first.split(" ", 2)
        self.path, _, self.query = target.partition("?")
        pairs = (line.partition(":") for line in lines if line)
        self.headers = {name.lower(): value.strip() for name, _, value in pairs}
        self.id = self.headers.get("x-request-id", "-")

    async def answer(self) -> bool:
        """Whether the connection can be used again."""
        app = self.app
        if self.path == "/healthz":
            return await self.say(200 if app.is_ready() else 503, b"")
        app.received += 1
        app.note(f"R {self.id}")
        if app.is_failing():
            return await self.finish(500, b"")
        if self.path == "/ws":
            return await self.echo()
        if self.path == "/events":
            return await self.events()
        if self.path == "/upload":
            return await self.upload()
        if self.path == "/slow":
            await asyncio.sleep(float(self.query.removeprefix("s=") or 0))
        return await self.finish(200, b"")

    async def finish(self, status: int, more: bytes) -> bool:
        """The answer to a request that counts: who answers, and the request's id."""
        keeps = await self.say(status, f"{self.app.version} {self.app.instance} {self.id}".encode() + more)
        self.app.note(f"D {self.id} {status}")
        return keeps

    async def say(self, status: int, body: bytes) -> bool:
        keeps = self.headers.get("connection", "").lower() != "close" and not self.app.leaving
        head = f"HTTP/1.1 {status} -\r\nContent-Length: {len(body)}\r\nContent-Type: text/plain\r\n"
        head += f"Connection: {'keep-alive' if keeps else 'close'}\r\n\r\n"
        self.writer.write(head.encode() + body)
        await self.writer.drain()
        return keeps

    async def upload(self) -> bool:
        """Length and digest of what was sent, however slowly."""
        length, digest = 0, hashlib.sha256()
        async for piece in self.body():
            length += len(piece)
            digest.update(piece)
        return await self.finish(200, f" {length} {digest.hexdigest()}".encode())

    async def body(self) -> AsyncIterator[bytes]:
        """The pieces of the request's body, chunked or of a known length."""
        if "content-length" in self.headers:
            left = int(self.headers["content-length"])
            while left:
                piece = await self.reader.read(min(left, 65536))
                if not piece:
                    raise asyncio.IncompleteReadError(b"", left)
                left -= len(piece)
                yield piece
            return
        while size := int(await self.reader.readuntil(b"\r\n"), 16):
            yield await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        await self.reader.readuntil(b"\r\n")

    async def events(self) -> bool:
        """Server-sent events, numbered on from the last one that the client has seen."""
        head = "HTTP/1.1 200 -\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        self.writer.write(head.encode())
        number = int(self.headers.get("last-event-id", "0"))
        while not self.app.closing.is_set():
            number += 1
            event = f"id: {number}\ndata: {self.app.version} {self.app.instance}\n\n".encode()
            self.writer.write(b"%x\r\n%s\r\n" % (len(event), event))
            await self.writer.drain()
            await self.until_closing(1 / EVENTS_A_SECOND)
        self.writer.write(b"0\r\n\r\n")
        await self.writer.drain()
        self.app.note(f"D {self.id} 200")
        return False

    async def echo(self) -> bool:
        """A WebSocket: each message, which is an id, comes back with who answered it."""
        key = accept_key(self.headers["sec-websocket-key"])
        head = f"HTTP/1.1 101 -\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {key}"
        self.writer.write(f"{head}\r\n\r\n".encode())
        reading = asyncio.create_task(self.messages())
        leaving = asyncio.create_task(self.app.closing.wait())
        await asyncio.wait({reading, leaving}, return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        if not reading.done():
            self.writer.write(closing(GOING_AWAY, masked=False))
            await asyncio.wait({reading}, timeout=2)
            reading.cancel()
        await asyncio.gather(reading, leaving, return_exceptions=True)
        self.app.note(f"D {self.id} 101")
        return False

    async def messages(self) -> None:
        """Echo until the other side closes."""
        while True:
            opcode, payload = await read_frame(self.reader.readexactly)
            if opcode == CLOSE:
                self.writer.write(encode(CLOSE, payload[:2], masked=False))
                return await self.writer.drain()
            if opcode == PING:
                self.writer.write(encode(PONG, payload, masked=False))
            elif opcode == TEXT:
                message = payload.decode()
                self.app.note(f"R {message}")
                answer = f"{self.app.version} {self.app.instance} {message}".encode()
                self.writer.write(encode(TEXT, answer, masked=False))
                self.app.note(f"D {message} 200")
            await self.writer.drain()

    async def until_closing(self, seconds: float) -> None:
        """This long, or until the instance closes."""
        try:
            await asyncio.wait_for(self.app.closing.wait(), seconds)
        except TimeoutError:
            return


if __name__ == "__main__":
    if os.environ.get("FAULT") == "exits":
        sys.exit("this version exits at once")
    app = Application(os.environ.get("VERSION", "0"), os.environ.get("FAULT", ""), os.environ.get("LOG", ""))
    asyncio.run(app.run(int(os.environ.get("PORT", "8080"))))

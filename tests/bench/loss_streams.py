"""Long-lived streams of the load: WebSockets that carry numbered messages, and server-sent events."""

from __future__ import annotations

import asyncio
import base64
import os
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from loss_frames import CLOSE, GOING_AWAY, NORMAL, TEXT, accept_key, closing, closing_code, encode, read_frame
from loss_record import Kind, Outcome, Record
from loss_wire import Answer, Ended, Wire, name_failure, name_status, read_chunks, read_head

LIMIT_S = 10.0
PAUSE_S = 0.2
"""Between attempts to connect, and between looks for messages that nobody answers."""
_IN_ORDER = {NORMAL, GOING_AWAY}


class Unwelcome(Exception):
    """An answer that opens no stream; ``outcome`` names it."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.value)
        self.outcome = outcome


async def connect(port: int, host: str, path: str, *lines: str) -> tuple[Wire, Answer]:
    """A connection whose head was answered as a stream's; Unwelcome with what became of it otherwise."""
    wire = None
    try:
        async with asyncio.timeout(LIMIT_S):
            wire = await Wire.open(port)
            wire.send_request("\r\n".join([f"GET {path} HTTP/1.1", f"Host: {host}", *lines, "", ""]).encode())
            answer = await read_head(wire)
    except (OSError, Ended, ValueError) as error:
        if wire is not None:
            wire.close()
        raise Unwelcome(name_failure(error, wire)) from error
    if answer.status != 101 and name_status(answer.status) is not Outcome.OK:
        wire.close()
        raise Unwelcome(name_status(answer.status))
    return wire, answer


class Socket:
    """One WebSocket, opened again whenever it ends. A message that was under way when the server closed in
    order is sent again; one that a broken connection took with it is lost."""

    def __init__(self, port: int, host: str, name: str, done: Callable[[Record], None]) -> None:
        self.port, self.host, self.name, self.done = port, host, name, done
        self.waiting: deque[Record] = deque()
        self.broken = self.closed = self.opened = 0
        self._wire: Wire | None = None

    def say(self, record: Record) -> None:
        """Send it now, or as soon as there is a connection."""
        record.sent = time.monotonic()
        self.waiting.append(record)
        self._send(record)

    async def live(self) -> None:
        """Keep a connection until cancelled."""
        while True:
            try:
                wire = await self._open()
            except Unwelcome as error:
                self._lose(error.outcome)
                await asyncio.sleep(PAUSE_S)
                continue
            self.opened += 1
            self._wire = wire
            for record in self.waiting:
                self._send(record)
            try:
                ended = await self._read(wire)
            finally:
                self._wire = None
                wire.close()
            self._count(ended)

    async def _open(self) -> Wire:
        key = base64.b64encode(os.urandom(16)).decode()
        upgrade = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
        lines = (*upgrade, f"Sec-WebSocket-Key: {key}", f"X-Request-Id: {self.name}.{self.opened}")
        wire, answer = await connect(self.port, self.host, "/ws", *lines)
        if answer.headers.get("sec-websocket-accept") != accept_key(key):
            wire.close()
            raise Unwelcome(Outcome.WRONG_BODY)
        return wire

    def _send(self, record: Record) -> None:
        if self._wire is not None:
            self._wire.send(encode(TEXT, record.id.encode(), masked=True))

    async def _read(self, wire: Wire) -> bool:
        """Take echoes until it ends; whether that was in order."""
        with suppress(Ended, UnicodeDecodeError):
            while True:
                opcode, payload = await self._frame(wire)
                if opcode == CLOSE:
                    wire.send(closing(NORMAL, masked=True))
                    return closing_code(payload) in _IN_ORDER
                if opcode == TEXT:
                    self._take(payload.decode())
        return False

    async def _frame(self, wire: Wire) -> tuple[int, bytes]:
        """The next frame; meanwhile messages that waited too long are given up."""
        reading = asyncio.ensure_future(read_frame(wire.exactly))
        try:
            while True:
                await asyncio.wait({reading}, timeout=PAUSE_S)
                if reading.done():
                    return reading.result()
                while self.waiting and time.monotonic() - self.waiting[0].sent > LIMIT_S:
                    self._end(self.waiting.popleft(), Outcome.TIMEOUT)
        finally:
            reading.cancel()

    def _take(self, text: str) -> None:
        version, _, name = (*text.split(" ", 2), "", "")[:3]
        if not self.waiting or self.waiting[0].id != name:
            if self.waiting:
                self._end(self.waiting.popleft(), Outcome.WRONG_BODY)
            return
        record = self.waiting.popleft()
        record.version = version
        self._end(record, record.outcome)

    def _count(self, in_order: bool) -> None:
        if in_order:
            self.closed += 1
            for record in self.waiting:
                record.outcome = Outcome.CLOSED_CLEANLY
        else:
            self.broken += 1
            self._lose(Outcome.TRUNCATED)

    def _lose(self, outcome: Outcome) -> None:
        while self.waiting:
            self._end(self.waiting.popleft(), outcome)

    def _end(self, record: Record, outcome: Outcome) -> None:
        record.outcome, record.done = outcome, time.monotonic()
        self.done(record)


class Listener:
    """One client of server-sent events, which asks again from the last event on; a record a connection."""

    def __init__(self, port: int, host: str, name: str, done: Callable[[Record], None]) -> None:
        self.port, self.host, self.name, self.done = port, host, name, done
        self.tries = self.events = self.last = 0
        self.closed = self.broken = 0

    async def live(self) -> None:
        """Listen until cancelled, which ends the last stream as it should be."""
        while True:
            self.tries += 1
            began = time.monotonic()
            record = Record(f"{self.name}.{self.tries}", Kind.EVENTS, began, began)
            try:
                record.outcome = await self._listen(record)
            except Unwelcome as error:
                record.outcome = error.outcome
            finally:
                record.done = time.monotonic()
                self.done(record)
            if record.outcome is Outcome.CLOSED_CLEANLY:
                self.closed += 1
                continue
            self.broken += 1
            await asyncio.sleep(PAUSE_S)

    async def _listen(self, record: Record) -> Outcome:
        asked = ("Accept: text/event-stream", f"X-Request-Id: {record.id}", f"Last-Event-ID: {self.last}")
        wire, _ = await connect(self.port, self.host, "/events", *asked)
        text = b""
        try:
            async for piece in read_chunks(wire):
                text += piece
                while b"\n\n" in text:
                    event, _, text = text.partition(b"\n\n")
                    if not self._take(event.decode(), record):
                        return Outcome.WRONG_BODY
        except (Ended, ValueError):
            return Outcome.TRUNCATED
        finally:
            wire.close()
        return Outcome.CLOSED_CLEANLY if not text else Outcome.TRUNCATED

    def _take(self, event: str, record: Record) -> bool:
        """Whether it is the next one."""
        number, _, answer = event.removeprefix("id: ").partition("\ndata: ")
        is_next = number == str(self.last + 1)
        self.last, self.events = self.last + 1, self.events + 1
        record.version = answer.split(" ")[0]
        return is_next

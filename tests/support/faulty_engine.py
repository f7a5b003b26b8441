"""A socket before a real engine that spoils chosen calls: loses, delays, cuts and garbles them."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from engine_faults import Fault, Reply

_VERSION = re.compile(r"^/v1\.\d+")
_LENGTHS = ("content-length", "transfer-encoding", "connection")


@dataclass(frozen=True, slots=True)
class Call:
    """One request: ``kind`` is its method and path with every name in it as ``*``."""

    method: str
    path: str
    body: bytes

    @property
    def kind(self) -> str:
        path = self.path.partition("?")[0]
        for word in ("images", "containers", "networks", "volumes"):
            path = re.sub(rf"^/{word}/(?!json$|create$).+?(?=/(?:\w+)$|$)", f"/{word}/*", path)
        return f"{self.method} {path}{self._purpose()}"

    def _purpose(self) -> str:
        """What volumes and containers of ours are for, by their names."""
        name = self.path + (self.body.decode("utf-8", "replace") if "volumes/create" in self.path else "")
        found = re.search(r"_marker_([a-z]+)_|_(filler)\b|_(files)_", name)
        return f" ({next(filter(None, found.groups()))})" if found else ""


Choose = Callable[[Call], Fault | None]


@dataclass
class FaultyEngine:
    """Listens on ``path`` while it is entered. ``choose`` tells what each call meets; ``calls`` came."""

    path: Path
    upstream: Path
    choose: Choose = lambda call: None
    calls: list[Call] = field(default_factory=list)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def endpoint(self) -> str:
        return f"unix://{self.path}"

    async def __aenter__(self) -> Self:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self.path))
        self._listener.listen(128)
        self._listener.setblocking(False)
        self._begin(self._accept())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.path.unlink(missing_ok=True)

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(self._listener)
            client.setblocking(False)
            self._begin(self._serve(client))

    async def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError), client:
            while await self._answer_one(client):
                pass

    async def _answer_one(self, client: socket.socket) -> bool:
        """One call and its answer; whether the connection goes on."""
        loop = asyncio.get_running_loop()
        head = await _peek_head(client)
        if not head:
            return False
        length = int(_header(head, "content-length") or 0)
        request = b""
        method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
        # What is left unread when a socket closes is what resets its peer, so the last byte waits.
        while len(request) < len(head) + length - 1:
            request += await loop.sock_recv(client, min(1 << 16, len(head) + length - 1 - len(request)))
        call = Call(method, _VERSION.sub("", target), request[len(head) :])
        self.calls.append(call)
        fault = self.choose(call)
        if fault is not None and fault.ending == "reset":
            return False
        request += await loop.sock_recv(client, 1)
        if fault is None:
            raw, _ = await self._deliver(request)
            await loop.sock_sendall(client, raw)
            return True
        return await self._spoil(client, request, fault)

    async def _spoil(self, client: socket.socket, request: bytes, fault: Fault) -> bool:
        loop = asyncio.get_running_loop()
        reply = Reply(200, "OK", (("content-type", "application/json"),), b"")
        if fault.delivered:
            _, reply = await self._deliver(request)
        sent = fault.spoil(reply)
        size = fault.drip or max(1, len(sent))
        for start in range(0, len(sent), size):
            await asyncio.sleep(fault.pause)
            await loop.sock_sendall(client, sent[start : start + size])
        if fault.ending == "hang":
            await asyncio.sleep(3600)
        return fault.ending == "open"

    async def _deliver(self, request: bytes) -> tuple[bytes, Reply]:
        """What the engine answers, as it came and taken apart."""
        reader, writer = await asyncio.open_unix_connection(str(self.upstream), limit=1 << 20)
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            raw, body = head, b""
            if _header(head, "transfer-encoding") == "chunked":
                while True:
                    line = await reader.readuntil(b"\r\n")
                    piece = await reader.readexactly(int(line, 16) + 2)
                    raw, body = raw + line + piece, body + piece[:-2]
                    if len(piece) == 2:
                        break
            else:
                body = await reader.readexactly(int(_header(head, "content-length") or 0))
                raw += body
            return raw, _taken_apart(head, body)
        finally:
            writer.close()


async def _peek_head(client: socket.socket) -> bytes:
    """The head of the next request, left where it is; empty when the client is gone."""
    loop = asyncio.get_running_loop()
    while True:
        readable = asyncio.Event()
        loop.add_reader(client, readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(client)
        seen = client.recv(1 << 16, socket.MSG_PEEK)
        if not seen:
            return b""
        head, end, _ = seen.partition(b"\r\n\r\n")
        if end:
            return head + end
        await asyncio.sleep(0.001)


def _header(head: bytes, name: str) -> str:
    found = re.search(rf"^{name}:[ \t]*(.*?)\r$".encode(), head, re.IGNORECASE | re.MULTILINE)
    return found[1].decode() if found else ""


def _taken_apart(head: bytes, body: bytes) -> Reply:
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    _, status, reason = first.split(" ", 2)
    pairs = [(n.lower(), v.strip()) for n, _, v in (line.partition(":") for line in lines)]
    return Reply(int(status), reason, tuple(p for p in pairs if p[0] not in _LENGTHS), body)

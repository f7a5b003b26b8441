"""Asking a proxy over a unix socket: one request a connection, with the standard library alone."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from providers.caddy.faults import SILENT, SLOW, UNCLEAR
from reconciler.desired import Json

MOST = 64 << 20
"""Bytes of an answer that are read."""
_HEAD = 64 << 10
_AGAIN = 3
"""How often a request is sent again whose connection was closed before any answer: a load replaces the
listener of the admin API as well, and all that is asked may be asked twice."""
_PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked."""

    target: str
    method: str = "GET"
    headers: Mapping[str, str] | None = None
    body: bytes = field(default=b"", repr=False)
    deadline: float = 5.0

    def text(self) -> bytes:
        """As it goes over the connection."""
        given = {"Host": "proxy", "Connection": "close", **(self.headers or {})}
        if self.body:
            given |= {"Content-Type": "application/json", "Content-Length": str(len(self.body))}
        lines = [
            f"{self.method} {self.target} HTTP/1.1",
            *(f"{name}: {value}" for name, value in given.items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


async def ask(folder: str, name: str, request: Request) -> Answer:
    """Ask through the socket of this name in a folder. Raises ProviderError."""
    try:
        async with asyncio.timeout(request.deadline):
            for _ in range(_AGAIN):
                with suppress(_Hurried):
                    return await _exchange(folder, name, request)
                await asyncio.sleep(_PAUSE)
            return await _exchange(folder, name, request)
    except TimeoutError:
        seen = f"no answer within {request.deadline:g} s"
        raise SLOW.passing(name, seen, "an answer") from None
    except OSError as error:
        raise SILENT.passing(name, error.strerror or str(error), "a socket that answers") from None
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
        raise UNCLEAR.passing(name, str(error), "an answer of HTTP") from None


class _Hurried(ValueError):
    """The connection was closed before any answer, as by a listener that gives way to its successor."""


async def _exchange(folder: str, name: str, request: Request) -> Answer:
    with _short_path(folder, name) as path:
        reader, writer = await asyncio.open_unix_connection(path, limit=_HEAD)
    try:
        writer.write(request.text())
        return await _read(reader)
    except ConnectionError as error:
        raise _Hurried(error.strerror or str(error)) from None
    finally:
        writer.close()


@contextmanager
def _short_path(folder: str, name: str) -> Iterator[str]:
    """A path of the socket that is short enough for the system, and no link to elsewhere: what is in the
    folder, the containers write. Raises OSError."""
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if not stat.S_ISSOCK(os.stat(name, dir_fd=held, follow_symlinks=False).st_mode):
            raise OSError(None, "not a socket")
        yield f"/proc/self/fd/{held}/{name}" if os.path.isdir("/proc/self/fd") else os.path.join(folder, name)
    finally:
        os.close(held)


async def _read(reader: asyncio.StreamReader) -> Answer:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            raise _Hurried("the connection was closed before an answer") from None
        raise
    first, *lines = head.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    if not version.startswith("HTTP/1.") or not rest[:3].isdecimal():
        raise ValueError(f"not HTTP: {first[:40]!r}")
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return Answer(int(rest[:3]), await _read_chunks(reader))
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= MOST:
        raise ValueError(f"the answer claims {length} bytes")
    return Answer(int(rest[:3]), await reader.readexactly(length))


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    parts: list[bytes] = []
    total = 0
    while size := int((await reader.readline()).partition(b";")[0], 16):
        total += size
        if size < 0 or total > MOST:
            raise ValueError("the answer is too long")
        parts.append(await reader.readexactly(size))
        await reader.readexactly(2)
    return b"".join(parts)


def parsed(where: str, body: str | bytes) -> Json:
    """The JSON of an answer. Raises ProviderError."""
    try:
        found: Json = json.loads(body)
    except ValueError:
        raise UNCLEAR.passing(where, "an answer without JSON", "JSON") from None
    return found

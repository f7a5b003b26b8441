"""The engine's API as a few typed calls; the only place that touches aiodocker.

Reading goes over ``wire.py``. Writing goes through aiodocker, imported with the first write. Its own methods
set neither deadlines nor attach by id, so its query method is used for all of them alike.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, urlencode

from providers.docker.faults import EngineError, answer_error
from providers.docker.tree import Node, branch, text
from providers.docker.wire import Answer, Wire, silent, unreachable
from reconciler.desired import Json

if TYPE_CHECKING:
    from aiodocker import Docker

OLDEST = (1, 41)
NEWEST = (1, 51)
"""The newest version whose answers were read while writing this; a newer engine speaks it too."""
READ = 20.0
WRITE = 60.0
"""Seconds within which a read and a write must be answered."""

Query = Mapping[str, str | int]
Method = Literal["GET", "POST", "PUT", "DELETE"]


class Engine:
    """One engine behind a unix socket. Every call has a deadline in seconds and raises EngineError."""

    def __init__(self, socket_path: str) -> None:
        self.socket_path = socket_path
        self._wire = Wire(socket_path)
        self._client: Docker | None = None
        self._version = ""
        self._negotiation = asyncio.Lock()

    async def version(self) -> str:
        """The API version that is spoken, such as ``1.45``. Raises EngineError where there is none."""
        async with self._negotiation:
            if not self._version:
                answer = await self._wire.get("/version", READ)
                self._version = choose_version(self.socket_path, _json(self.socket_path, answer))
        return self._version

    def clock(self) -> float | None:
        """The engine's time at its last answer, in whole seconds; None before the first."""
        try:
            return parsedate_to_datetime(self._wire.date).timestamp()
        except ValueError:
            return None

    async def fetch(self, path: str, query: Query | None = None, deadline: float = READ) -> Answer:
        """GET; the whole answer, whose status is below 400."""
        target = f"/v{await self.version()}{_target(path, query)}"
        answer = await self._wire.get(target, deadline)
        if answer.status >= 400:
            raise answer_error(answer.status, path, _message(answer.body))
        return answer

    async def read(self, path: str, query: Query | None = None, deadline: float = READ) -> Json:
        """GET; the JSON of the answer."""
        return _json(self.socket_path, await self.fetch(path, query, deadline))

    async def find(self, path: str) -> Node | None:
        """GET of one object; None when there is none."""
        try:
            found = await self.read(path)
        except EngineError as error:
            if error.status == 404:
                return None
            raise
        return found if isinstance(found, Mapping) else {}

    async def write(
        self,
        method: Method,
        path: str,
        query: Query | None = None,
        body: Node | bytes | None = None,
        deadline: float = WRITE,
    ) -> Json:
        """A request that changes something; the JSON of its answer, or None when it has none."""
        try:
            async with asyncio.timeout(deadline):
                async with aclosing(self._send(method, path, query, body, {}, deadline)) as sending:
                    parts = [part async for part in sending]
        except TimeoutError:
            raise silent(self.socket_path, f"{method} {path}", deadline) from None
        return _loads(self.socket_path, b"".join(parts))

    async def follow(
        self, path: str, query: Query, headers: Mapping[str, str], idle: float
    ) -> AsyncGenerator[Node, None]:
        """POST; the JSON lines of its answer as they come. Raises EngineError after ``idle`` silent
        seconds."""
        async with aclosing(self._lines("POST", path, query, headers, idle)) as lines:
            async for line in lines:
                yield line

    async def watch(self, path: str, query: Query) -> AsyncGenerator[Node, None]:
        """GET; the JSON lines of an answer that never ends, silent for as long as nothing happens."""
        async with aclosing(self._lines("GET", path, query, {}, None)) as lines:
            async for line in lines:
                yield line

    async def _lines(
        self, method: Method, path: str, query: Query, headers: Mapping[str, str], idle: float | None
    ) -> AsyncGenerator[Node, None]:
        rest = b""
        async with aclosing(self._send(method, path, query, None, headers, idle)) as sending:
            async for part in sending:
                *lines, rest = (rest + part).split(b"\n")
                for line in lines:
                    if line.strip():
                        yield branch(_loads(self.socket_path, line))
        if rest.strip():
            yield branch(_loads(self.socket_path, rest))

    async def _send(
        self,
        method: Method,
        path: str,
        query: Query | None,
        body: Node | bytes | None,
        headers: Mapping[str, str],
        idle: float | None,
    ) -> AsyncGenerator[bytes, None]:
        client = await self._open()
        from aiodocker.exceptions import DockerError
        from aiohttp import ClientError, ClientTimeout

        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        kind = "application/x-tar" if isinstance(body, bytes) else "application/json"
        target = _target(path, query).lstrip("/")
        limits = ClientTimeout(total=None, sock_connect=idle or READ, sock_read=idle)
        headers = {"Content-Type": kind, **headers}
        try:
            asking = client._query(target, method, data=content, headers=headers, timeout=limits)
            async with asking as answer, answer:
                async for part in answer.content.iter_any():
                    yield part
        except TimeoutError:
            raise silent(self.socket_path, f"{method} {path}", idle or READ) from None
        except DockerError as error:
            if error.status == 900:
                raise unreachable(self.socket_path, OSError(error.message)) from None
            raise answer_error(error.status, path, error.message) from None
        except (ClientError, OSError) as error:
            raise unreachable(self.socket_path, OSError(str(error))) from None

    async def _open(self) -> Docker:
        version = await self.version()
        if self._client is None:
            from aiodocker import Docker

            self._client = Docker(url=f"unix://{self.socket_path}", api_version=f"v{version}")
        return self._client

    async def close(self) -> None:
        """Close all connections."""
        self._wire.close()
        if self._client is not None:
            client, self._client = self._client, None
            await client.close()


def choose_version(where: str, answer: Json) -> str:
    """The API version to speak with an engine that answered this to /version: its newest, at most ours;
    its oldest where even that is newer than ours. Raises EngineError for one that is too old."""
    newest, oldest = _pair(text(answer, "ApiVersion")), _pair(text(answer, "MinAPIVersion"))
    if newest is None:
        raise EngineError("DKR004", where, "no ApiVersion in the answer to /version", "a Docker Engine")
    if newest < OLDEST:
        raise EngineError(
            "DKR005",
            where,
            f"it speaks API {newest[0]}.{newest[1]}",
            f"API {OLDEST[0]}.{OLDEST[1]} or newer (Docker Engine 20.10)",
            "upgrade the engine",
        )
    chosen = max(min(newest, NEWEST), oldest or OLDEST)
    return f"{chosen[0]}.{chosen[1]}"


def _pair(version: str) -> tuple[int, int] | None:
    major, _, minor = version.partition(".")
    return (int(major), int(minor)) if major.isdecimal() and minor.isdecimal() else None


def _target(path: str, query: Query | None) -> str:
    return quote(path, safe="/:@") + (f"?{urlencode(query)}" if query else "")


def _json(where: str, answer: Answer) -> Json:
    return _loads(where, answer.body)


def _loads(where: str, body: bytes) -> Json:
    if not body.strip():
        return None
    try:
        found: Json = json.loads(body)
    except ValueError:
        raise EngineError("DKR004", where, "an answer that is not JSON", "a Docker Engine") from None
    return found


def _message(body: bytes) -> str:
    try:
        return text(json.loads(body), "message")
    except ValueError:
        return body[:500].decode("utf-8", "replace")

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

from providers.docker.api_version import choose_version
from providers.docker.client import close_client, open_client
from providers.docker.endpoint import SocketEndpoint
from providers.docker.faults import EngineError, answer_error, unclear
from providers.docker.line import Line, SocketLine, Stream
from providers.docker.policy import check as check_payload
from providers.docker.policy_values import NOTHING, Permit
from providers.docker.tree import Node, branch, nodes, text
from providers.docker.wire import Answer, Wire, silent, unreachable
from reconciler.desired import Json

if TYPE_CHECKING:
    from aiodocker import Docker

READ = 20.0
WRITE = 60.0
"""Seconds within which a read and a write must be answered."""

_LONGEST = 64 << 10
"""Bytes of an error's body that are read."""

Query = Mapping[str, str | int]
Method = Literal["POST", "PUT", "DELETE"]


class Engine:
    """One engine behind a line, or behind the socket at a path. Every call has a deadline in seconds and
    raises EngineError, or what the line says of itself."""

    def __init__(self, line: Line | str) -> None:
        self.line = SocketLine(SocketEndpoint(line)) if isinstance(line, str) else line
        self.where = self.line.where
        self._wire = Wire(self.line)
        self._client: Docker | None = None
        self._version = ""
        self._negotiation = asyncio.Lock()

    async def version(self) -> str:
        """The API version that is spoken, such as ``1.45``. Raises EngineError where there is none."""
        async with self._negotiation:
            if not self._version:
                answer = await self.ask("/version", READ)
                self._version = choose_version(self.where, _json(self.where, answer))
        return self._version

    def clock(self) -> float | None:
        """The engine's time at its last answer, in whole seconds; None before the first."""
        try:
            return parsedate_to_datetime(self._wire.date).timestamp()
        except ValueError:
            return None

    async def dial(self) -> Stream:
        """A connection of the caller's own, for streams. Raises EngineError."""
        try:
            return await self._wire.dial()
        except OSError as error:
            raise await self.line.reason(error) or unreachable(self.where, error) from None

    async def ask(self, target: str, deadline: float) -> Answer:
        """GET of a target as it is; the whole answer, whatever its status."""
        return await self._wire.get(target, deadline)

    async def fetch(self, path: str, query: Query | None = None, deadline: float = READ) -> Answer:
        """GET; the whole answer, whose status is below 400."""
        target = f"/v{await self.version()}{target_of(path, query)}"
        answer = await self.ask(target, deadline)
        if answer.status >= 400:
            raise answer_error(answer.status, path, message_of(answer.body))
        return answer

    async def read(self, path: str, query: Query | None = None, deadline: float = READ) -> Node:
        """GET; the object of the answer. An answer that is none is an error, never an empty object."""
        return node_of(self.where, path, (await self.fetch(path, query, deadline)).body)

    async def read_list(self, path: str, query: Query | None = None, member: str = "") -> list[Node]:
        """GET; the objects of the list that is the answer, or that is its ``member``. An answer without a
        list is an error, never an empty list (an engine writes an empty member as null)."""
        found = _json(self.where, await self.fetch(path, query))
        if member:
            there = isinstance(found, Mapping) and member in found
            found = branch(found).get(member) or [] if there else None
        if not isinstance(found, list) or not all(isinstance(row, Mapping) for row in found):
            raise unclear(self.where, f"no list in the answer to {path}")
        return nodes({"": found}, "")

    async def find(self, path: str) -> Node | None:
        """GET of one object; None when there is none."""
        try:
            return await self.read(path)
        except EngineError as error:
            if error.status == 404:
                return None
            raise

    async def create(
        self, path: str, query: Query | None = None, body: Node | None = None, permit: Permit = NOTHING
    ) -> str:
        """POST; the id of what it made. An answer that names none is an error: it may be there all the
        same."""
        made = text(await self.write("POST", path, query, body, permit=permit), "Id")
        if not made:
            raise unclear(self.where, f"no id in the answer to POST {path}")
        return made

    async def write(
        self,
        method: Method,
        path: str,
        query: Query | None = None,
        body: Node | bytes | None = None,
        deadline: float = WRITE,
        permit: Permit = NOTHING,
    ) -> Json:
        """A request that changes something; the JSON of its answer, or None when it has none. Raises Refused
        for a payload that carries more than is safe and ``permit`` names."""
        if isinstance(body, Mapping):
            check_payload(path, str((query or {}).get("name") or text(body, "Name") or path), body, permit)
        try:
            async with asyncio.timeout(deadline):
                async with aclosing(self._send(method, path, query, body, {}, deadline)) as sending:
                    parts = [part async for part in sending]
        except TimeoutError:
            raise silent(self.where, f"{method} {path}", deadline) from None
        return _loads(self.where, b"".join(parts))

    async def follow(
        self, path: str, query: Query, headers: Mapping[str, str], idle: float
    ) -> AsyncGenerator[Node, None]:
        """POST; the JSON lines of its answer as they come. Raises EngineError after ``idle`` silent
        seconds."""
        rest = b""
        async with aclosing(self._send("POST", path, query, None, headers, idle)) as sending:
            async for part in sending:
                *lines, rest = (rest + part).split(b"\n")
                for line in lines:
                    if line.strip():
                        yield self._message(line)
        if rest.strip():
            yield self._message(rest)

    def _message(self, line: bytes) -> Node:
        found = _loads(self.where, line)
        if not isinstance(found, Mapping):
            raise unclear(self.where, "a line of progress that is no message")
        return found

    async def _send(
        self,
        method: Method,
        path: str,
        query: Query | None,
        body: Node | bytes | None,
        headers: Mapping[str, str],
        idle: float,
    ) -> AsyncGenerator[bytes, None]:
        client = await self._open()
        from aiohttp import ClientConnectorError, ClientError, ClientTimeout

        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        kind = "application/x-tar" if isinstance(body, bytes) else "application/json"
        url = client._canonicalize_url(target_of(path, query).lstrip("/"), versioned_api=True)
        limits = ClientTimeout(total=None, sock_connect=idle, sock_read=idle)
        headers = {"Content-Type": kind, **headers}
        try:
            # Not by the library's own query: it trips over an error whose body is not the engine's JSON.
            asking = client.session.request(method, url, data=content, headers=headers, timeout=limits)
            async with asking as answer:
                if answer.status >= 400:
                    raise answer_error(answer.status, path, message_of(await answer.content.read(_LONGEST)))
                async for part in answer.content.iter_any():
                    yield part
        except TimeoutError:
            raise silent(self.where, f"{method} {path}", idle) from None
        except ClientConnectorError as error:
            cause = error.os_error
            raise await self.line.reason(cause) or unreachable(self.where, cause) from None
        except (ClientError, OSError) as error:
            broken = f"{method} {path}: the connection broke before the whole answer ({type(error).__name__})"
            raise await self.line.reason(error) or unclear(self.where, broken) from None

    async def _open(self) -> Docker:
        version = await self.version()
        address, context = await self.line.address()
        if self._client is None:
            self._client = open_client(address, context, version)
        return self._client

    async def close(self) -> None:
        """Close all connections, and the line."""
        self._wire.close()
        if self._client is not None:
            client, self._client = self._client, None
            await close_client(client)
        await self.line.close()


def target_of(path: str, query: Query | None) -> str:
    """A request's target: the path, and the query written as one."""
    return quote(path, safe="/:@") + (f"?{urlencode(query)}" if query else "")


def node_of(where: str, path: str, body: bytes) -> Node:
    """The object that the answer to a path is. Raises EngineError for anything else."""
    found = _loads(where, body)
    if not isinstance(found, Mapping):
        raise unclear(where, f"no object in the answer to {path}")
    return found


def _json(where: str, answer: Answer) -> Json:
    return _loads(where, answer.body)


def _loads(where: str, body: bytes) -> Json:
    if not body.strip():
        return None
    try:
        found: Json = json.loads(body)
    except (ValueError, RecursionError):
        raise unclear(where, "an answer that is not JSON") from None
    return found


def message_of(body: bytes) -> str:
    """What the engine says in the body of an error; what stands there instead, where that is no JSON."""
    try:
        return text(json.loads(body), "message")
    except (ValueError, RecursionError):
        return body[:500].decode("utf-8", "replace")

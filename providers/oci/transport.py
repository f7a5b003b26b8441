"""HTTP towards one registry: one session, deadlines, redirects, errors of ours.

What is sent where: ``authorization`` goes to the origin of the request itself and to no other. A redirect to
another origin is followed without it, and without it from then on.
"""

from __future__ import annotations

import asyncio
import io
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from providers.oci.faults import REDIRECT_REFUSED, TOO_LARGE
from providers.oci.network import translate
from providers.oci.origin import Target, resolve_target

if TYPE_CHECKING:
    import aiohttp

_MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_HEADER = 16_384
_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds; ``slowest`` is the least acceptable speed of a blob, in bytes a second."""

    connect: float = 10.0
    read: float = 30.0
    """Between two arrivals of bytes."""
    total: float = 60.0
    """For one whole exchange, to which a blob adds its size at the slowest speed."""
    slowest: int = 65_536

    def for_bytes(self, size: int) -> float:
        """For an exchange that moves ``size`` bytes."""
        return self.total + size / self.slowest


@dataclass(frozen=True, slots=True)
class Content:
    """A body to send: its exact size, and how to read it from its beginning (once for each attempt)."""

    size: int
    read: Callable[[], AsyncIterator[bytes]]


@dataclass(frozen=True, slots=True)
class Request:
    """One request. ``where`` names its object in messages; ``follow`` allows redirects."""

    where: str
    method: str
    target: Target
    headers: Mapping[str, str] = field(default_factory=dict)
    authorization: str | None = field(default=None, repr=False)
    body: bytes | Content | None = field(default=None, repr=False)
    total: float | None = None
    follow: bool = False
    strayed: bool = False
    """A redirect led away from the first origin, and ``authorization`` was dropped for good."""


class Answer:
    """Status and headers of an answer whose body is still to be read, within its ``exchange``."""

    def __init__(self, request: Request, response: aiohttp.ClientResponse) -> None:
        self.where = request.where
        self.target = request.target
        """Where it came from, after redirects."""
        self.strayed = request.strayed
        self.status = response.status
        self._response = response

    def header(self, name: str) -> str | None:
        """The value of a header; None when absent."""
        return self._response.headers.get(name)

    def headers(self, name: str) -> tuple[str, ...]:
        """Every value of a header that may come several times."""
        return tuple(self._response.headers.getall(name, ()))

    @property
    def media_type(self) -> str:
        """Content-Type without parameters, lower case; empty when absent."""
        return (self.header("Content-Type") or "").partition(";")[0].strip().lower()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it arrives."""
        async for chunk in self._response.content.iter_chunked(_CHUNK):
            yield chunk

    async def read(self, limit: int) -> bytes:
        """The whole body. Raises ProviderError when it has more than ``limit`` bytes."""
        body = bytearray()
        async for chunk in self.chunks():
            body += chunk
            if len(body) > limit:
                raise TOO_LARGE.passing(
                    self.where, f"an answer of more than {limit} bytes", f"at most {limit}"
                )
        return bytes(body)

    async def excerpt(self, limit: int) -> bytes:
        """The first ``limit`` bytes of the body; less when it breaks off."""
        import aiohttp

        body = bytearray()
        try:
            async for chunk in self.chunks():
                body += chunk
                if len(body) >= limit:
                    break
        except (aiohttp.ClientError, TimeoutError, OSError):
            return bytes(body)  # the status says enough
        return bytes(body[:limit])


class Transport:
    """One session, opened by the first request and kept until ``aclose``."""

    def __init__(self, deadlines: Deadlines, tls: ssl.SSLContext | None = None) -> None:
        self.deadlines = deadlines
        self._tls = tls
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def exchange(self, request: Request) -> AsyncIterator[Answer]:
        """Send, and yield the answer whatever its status. Raises ProviderError where there is none."""
        origin = request.target.origin
        for _ in range(_MAX_REDIRECTS + 1):
            async with self._once(request) as answer:
                location = answer.header("Location") if answer.status in _REDIRECTS else None
                if location is None or not request.follow:
                    yield answer
                    return
            request = _redirected(request, location)
            if request.target.origin != origin:
                request = replace(request, authorization=None, strayed=True)
        raise REDIRECT_REFUSED.passing(
            request.where, f"more than {_MAX_REDIRECTS} redirects", f"at most {_MAX_REDIRECTS}"
        )

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    @asynccontextmanager
    async def _once(self, request: Request) -> AsyncIterator[Answer]:
        import yarl

        headers = {"Accept-Encoding": "identity", "User-Agent": "reconciler", **request.headers}
        if request.authorization is not None:
            headers["Authorization"] = request.authorization
        if isinstance(request.body, Content):
            headers["Content-Length"] = str(request.body.size)
        with translate(request.where, request.target.origin):
            async with (
                asyncio.timeout(None) as stall,
                self._open_session().request(
                    request.method,
                    yarl.URL(request.target.url, encoded=True),
                    headers=headers,
                    data=_watched(request.body, stall, self.deadlines.read),
                    allow_redirects=False,
                    timeout=self._timeout(request),
                    ssl=self._tls or True,
                ) as response,
            ):
                yield Answer(request, response)

    def _timeout(self, request: Request) -> aiohttp.ClientTimeout:
        import aiohttp

        return aiohttp.ClientTimeout(
            total=request.total or self.deadlines.total,
            sock_connect=self.deadlines.connect,
            # a registry may take long to store a large blob: then the total alone counts
            sock_read=None if isinstance(request.body, Content) else self.deadlines.read,
        )

    def _open_session(self) -> aiohttp.ClientSession:
        import aiohttp

        if self._session is None:
            self._session = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(),  # a cookie would be a credential that nobody gave
                auto_decompress=False,  # digests are of the bytes as stored
                max_line_size=_MAX_HEADER,
                max_field_size=_MAX_HEADER,
            )
        return self._session


def _watched(
    body: bytes | Content | None, stall: asyncio.Timeout, seconds: float
) -> io.BytesIO | AsyncIterator[bytes] | None:
    """The body to send, whose sending ends when ``seconds`` pass without a chunk taken."""
    if not isinstance(body, Content):
        return io.BytesIO(body) if body else None
    content, loop = body, asyncio.get_running_loop()

    async def read() -> AsyncIterator[bytes]:
        async for chunk in content.read():
            stall.reschedule(loop.time() + seconds)
            yield chunk
        stall.reschedule(None)

    return read()


def _redirected(request: Request, location: str) -> Request:
    try:
        target = resolve_target(location, request.target)
    except ValueError as error:
        raise REDIRECT_REFUSED.passing(request.where, f"a redirect to {error}", "an https address") from None
    if request.target.origin.scheme == "https" and target.origin.scheme == "http":
        raise REDIRECT_REFUSED.final(
            request.where,
            f"a redirect from https to {target.origin}",
            "https throughout",
        )
    return replace(request, target=target)

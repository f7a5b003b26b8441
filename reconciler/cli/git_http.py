"""git's smart HTTP for the repositories that a loop receives (gitprotocol-http(5)): ``/git/NAME.git``.

What is sent and answered goes through in pieces, both ways at once: what the hooks say reaches the pusher as
it is said. Who hangs up while sending has pushed nothing; who does so later has, and misses only the words.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.cli.git_answer import answer, closed, full, packet, refuse
from reconciler.cli.git_body import Refused, read_pieces, refuse_many
from reconciler.cli.git_child import GitChild, open_child
from reconciler.cli.git_service import (
    MAX_PUSH,
    SERVICES,
    Service,
    read_service,
    service_environment,
    service_words,
)
from reconciler.cli.push_request import MAX_REFS
from reconciler.cli.push_token import Limiter, address_of, known_pusher, read_login
from specs.run_pusher import Pusher
from specs.run_repository import RunRepository

if TYPE_CHECKING:
    from aiohttp import web

_MAX_ASKED: Final = 8 << 20
"""Bytes of what a fetch says that it has."""
_AT_ONCE: Final = 32
"""Pushes and fetches; of one pusher half as many."""
_DEADLINE: Final = 2_400.0
_REALM: Final = {"WWW-Authenticate": 'Basic realm="reconciler", charset="UTF-8"'}


@dataclass(frozen=True, slots=True)
class Guest:
    """Who was let in, and to which repository."""

    pusher: Pusher
    folder: Path


@dataclass(slots=True)
class GitDoor:
    """One for a process. Repositories and pushers are asked for each time, so that they can change."""

    entries: Callable[[], Sequence[RunRepository]]
    pushers: Callable[[], Sequence[Pusher]]
    tell: Callable[[str, str], None] = lambda address, repository: None
    """Told of who was not let in."""
    most_bytes: int = MAX_PUSH
    limiter: Limiter = field(default_factory=Limiter)
    _busy: Counter[str] = field(default_factory=Counter)

    def join(self, app: web.Application) -> None:
        """Add what is answered here."""
        app.router.add_get("/git/{name}.git/info/refs", self._advertise)
        pattern = f"/git/{{name}}.git/{{service:{'|'.join(SERVICES)}}}"
        app.router.add_post(pattern, self._serve, expect_handler=self._expect)
        app.router.add_route("*", "/git/{rest:.*}", self._deny)

    # -- who it is

    async def _admit(self, request: web.Request) -> Guest | web.Response:
        """The guest, or the answer for who is none."""
        from aiohttp import web

        now, address = time.monotonic(), address_of(request.remote, request.headers)
        if not self.limiter.is_open(address, now):
            return closed(web.Response(status=429, text="too many failures\n", headers={"Retry-After": "60"}))
        login = read_login(request.headers.get("Authorization", ""))
        name = request.match_info.get("name") or request.match_info["rest"].partition(".git")[0]
        if login is not None:
            pusher = await asyncio.to_thread(known_pusher, self.pushers(), name, login)
            folder = self._folder(name)
            if pusher is not None and folder is not None:
                self.limiter.forget(address)
                return Guest(pusher, folder)
        if "Authorization" in request.headers:
            self.limiter.fail(address, now)
            self.tell(address, name[:80])
        return closed(web.Response(status=401, text="a token is needed\n", headers=_REALM))

    def _folder(self, name: str) -> Path | None:
        found = [entry for entry in self.entries() if entry.name == name and entry.receive and entry.folder]
        return Path(found[0].folder or "/") if found else None

    async def _expect(self, request: web.Request) -> web.StreamResponse | None:
        """A body that waits for leave is asked for only from a guest."""
        guest = await self._admit(request)
        if not isinstance(guest, Guest):
            return guest
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
        return None

    async def _deny(self, request: web.Request) -> web.StreamResponse:
        from aiohttp import web

        guest = await self._admit(request)
        return web.Response(status=404) if isinstance(guest, Guest) else guest

    # -- what is done

    async def _advertise(self, request: web.Request) -> web.StreamResponse:
        from aiohttp import web

        guest = await self._admit(request)
        if not isinstance(guest, Guest):
            return guest
        service = read_service(request.query.get("service", ""))
        if service is None:
            return web.Response(status=403, text="only git's smart protocol is spoken here\n")
        protocol = _protocol(service, request)
        head = b"" if "version=2" in protocol else packet(f"# service={service}\n") + b"0000"
        response = answer(f"application/x-{service}-advertisement")
        with self._place(guest) as has_place:
            if not has_place:
                return full()
            async with open_child(*_command(service, guest, protocol, "--advertise-refs")) as child:
                return await _pass_on(request, child, response, _nothing(), head)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        guest = await self._admit(request)
        if not isinstance(guest, Guest):
            return guest
        service = read_service(request.match_info["service"])
        if service is None:
            return await self._deny(request)
        is_push = service == "git-receive-pack"
        most = self.most_bytes if is_push else _MAX_ASKED
        pieces = read_pieces(request, most)
        if is_push:
            pieces = refuse_many(pieces, MAX_REFS)
        with self._place(guest) as has_place:
            if not has_place:
                return full()
            command = _command(service, guest, _protocol(service, request))
            try:
                if (request.content_length or 0) > most:
                    raise Refused(413, f"more than {most >> 20} MiB at once")
                if request.content_type != f"application/x-{service}-request":
                    raise Refused(415, "not what git sends")
                async with asyncio.timeout(_DEADLINE), open_child(*command) as child:
                    return await _pass_on(request, child, answer(f"application/x-{service}-result"), pieces)
            except Refused as refused:
                return refuse(refused)
            except TimeoutError:
                return refuse(Refused(408, "it took too long"))

    @contextmanager
    def _place(self, guest: Guest) -> Iterator[bool]:
        """A place among those at work, if there is one."""
        name = guest.pusher.name
        has_place = self._busy.total() < _AT_ONCE and self._busy[name] < _AT_ONCE // 2
        self._busy[name] += has_place
        try:
            yield has_place
        finally:
            self._busy[name] -= has_place


async def _pass_on(
    request: web.Request,
    child: GitChild,
    response: web.StreamResponse,
    pieces: AsyncIterator[bytes],
    head: bytes = b"",
) -> web.StreamResponse:
    """Both ways at once. Raises Refused while nothing was answered yet."""
    feeding = asyncio.create_task(child.feed(pieces))
    is_there = True
    try:
        async for piece in child.output(head):
            if feeding.done() and child.is_cut:
                continue  # what it says of that, it says to nobody
            try:
                if not response.prepared:
                    await response.prepare(request)
                if is_there:
                    await response.write(piece)
            except ConnectionError:
                is_there = False  # the push goes on; nobody reads what it says
        await feeding
    except Refused:
        if not response.prepared:
            raise
        response.force_close()
    finally:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
    if not response.prepared:
        await response.prepare(request)
    return response


async def _nothing() -> AsyncIterator[bytes]:
    pieces: tuple[bytes, ...] = ()
    for piece in pieces:
        yield piece


def _command(
    service: Service, guest: Guest, protocol: str, *options: str
) -> tuple[list[str], dict[str, str]]:
    words = service_words(service, guest.folder, ["--stateless-rpc", *options])
    return words, dict(service_environment(guest.pusher.name, protocol))


def _protocol(service: Service, request: web.Request) -> str:
    """What a client may say of the protocol: of a push there is one only."""
    return request.headers.get("Git-Protocol", "") if service == "git-upload-pack" else ""

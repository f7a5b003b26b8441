"""The loop's own socket, for processes of the same user on the same machine: the hooks of a repository that
is pushed to. Whoever can open it may push as anybody; hanging up harms nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.push_desk import Lines, PushDesk
from reconciler.cli.push_request import MAX_REQUEST
from reconciler.journal import state_folder

if TYPE_CHECKING:
    from aiohttp import web

Ask = Callable[[str, bytes], Lines | None]


def control_socket() -> Path:
    """Where the loop of this user listens."""
    return state_folder() / "loop.sock"


async def serve_control(path: Path, desk: PushDesk, stopping: asyncio.Event) -> None:
    """Serve until ``stopping``. Raises OSError when the socket cannot be made."""
    from aiohttp import web

    app = web.Application(client_max_size=MAX_REQUEST)
    app.router.add_post("/v1/receive/{name}", _answer(desk.receive))
    app.router.add_post("/v1/announce/{name}", _answer(desk.announce))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    await asyncio.to_thread(_make_room, path)
    mask = os.umask(0o177)
    try:
        await web.UnixSite(runner, str(path)).start()
    finally:
        os.umask(mask)
    try:
        await stopping.wait()
    finally:
        await runner.cleanup()
        await asyncio.to_thread(path.unlink, missing_ok=True)


def _make_room(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)


def _answer(ask: Ask) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def respond(request: web.Request) -> web.StreamResponse:
        return await _stream(ask, request)

    return respond


async def _stream(ask: Ask, request: web.Request) -> web.StreamResponse:
    """Each line as it comes. Who hangs up is missed by nobody: the work goes on."""
    from aiohttp import web

    lines = ask(request.match_info["name"], await request.read())
    response = web.StreamResponse(status=404 if lines is None else 200)
    response.content_type = "text/plain"
    await response.prepare(request)
    if lines is not None:
        async with aclosing(lines):
            with suppress(ConnectionResetError):
                async for line in lines:
                    await response.write(f"{line}\n".encode())
    return response

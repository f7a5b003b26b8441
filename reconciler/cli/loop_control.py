"""The loop's own socket, for processes of the same user on the same machine: the hooks of a repository that
is pushed to. Whoever can open it may say "ask now" and look on; hanging up harms nothing."""

from __future__ import annotations

import asyncio
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.followers import Followers
from reconciler.cli.loop_http import Served
from reconciler.cli.loop_settle import GOOD, settle
from reconciler.journal import state_folder
from reconciler.render import escape
from reconciler.render_json import JsonObject

if TYPE_CHECKING:
    from aiohttp import web

_LONGEST = 900.0


def control_socket() -> Path:
    """Where the loop of this user listens."""
    return state_folder() / "loop.sock"


async def serve_control(path: Path, served: Served, followers: Followers, stopping: asyncio.Event) -> None:
    """Serve until ``stopping``. Raises OSError when the socket cannot be made."""
    from aiohttp import web

    async def announce(request: web.Request) -> web.StreamResponse:
        return await _announce(served, followers, request)

    app = web.Application(client_max_size=1 << 16)
    app.router.add_post("/v1/announce/{name}", announce)
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


async def _announce(served: Served, followers: Followers, request: web.Request) -> web.StreamResponse:
    """Streams what the news of a repository brings about; the last line is ``ok`` or ``failed``."""
    from aiohttp import web

    watch = served.watches.get(request.match_info["name"])
    response = web.StreamResponse(status=200 if watch is not None else 404)
    response.content_type = "text/plain"
    await response.prepare(request)
    if watch is None:
        return response
    # Who hangs up is missed by nobody: the work goes on.
    with suppress(ConnectionResetError), followers.follow(watch.entry.name) as lines:
        read = watch.announce(f"push {secrets.token_hex(8)}")

        async def come_to_rest() -> JsonObject:
            return await settle(served, watch, read)

        results = asyncio.create_task(come_to_rest())
        try:
            async with asyncio.timeout(_LONGEST):
                while not results.done() or not lines.empty():
                    await _send_next(response, lines)
            ended = await results
        except TimeoutError:
            ended = {"": "still waiting"}
        finally:
            results.cancel()
            with suppress(asyncio.CancelledError):
                await results
        shown = [f"{escape(name)}: {result}" for name, result in sorted(ended.items())]
        is_well = all(result in GOOD for result in ended.values())
        await _send(response, [*shown, "ok" if is_well else "failed"])
    return response


async def _send_next(response: web.StreamResponse, lines: asyncio.Queue[str]) -> None:
    """The next line, or nothing for a moment."""
    with suppress(TimeoutError):
        line = await asyncio.wait_for(lines.get(), 0.1)
        await _send(response, [line])


async def _send(response: web.StreamResponse, lines: list[str]) -> None:
    await response.write("".join(f"{line}\n" for line in lines).encode())

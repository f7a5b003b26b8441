"""What a loop serves on a port of its own: signed webhooks, their runs, health, readiness, metrics.

Loopback or a unix socket only: TLS is for the proxy before it.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.cli.git_http import GitDoor
from reconciler.cli.loop_health import Health, health_of, unreachable, unread
from reconciler.cli.loop_metrics import CONTENT_TYPE, metrics_text
from reconciler.cli.loop_runs import Runs
from reconciler.cli.loop_settle import Kept
from reconciler.cli.loop_webhook import answer_run, answer_webhook
from reconciler.cli.outbox import Outbox
from reconciler.desired import Json

if TYPE_CHECKING:
    from aiohttp import web

_UNIX: Final = "unix:"
_MODE: Final = 0o660
"""Of a unix socket: for the user of the loop and the group that its folder is given to."""
_BODIES: Final = 16
"""Bodies of webhooks that are read at the same time, so that strangers fill no memory."""


@dataclass(frozen=True, slots=True)
class Served(Kept):
    """What the port tells of and speaks to."""

    runs: Runs = field(default_factory=Runs)
    health: Health = field(default_factory=Health)
    deliveries: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Webhooks by repository and result."""
    outbox: Outbox | None = None
    """Results that are on their way."""
    inbox: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_BODIES))


Answer = Callable[["Served", "web.Request"], "Awaitable[web.StreamResponse]"]


def make_app(served: Served, door: GitDoor | None = None) -> web.Application:
    """Everything that the port answers."""
    from aiohttp import web

    app = web.Application()
    app.router.add_get("/healthz", _answer(served, _health))
    app.router.add_get("/readyz", _answer(served, _ready))
    app.router.add_get("/metrics", _answer(served, _metrics))
    app.router.add_get("/v1/runs/{id}", _answer(served, answer_run))
    app.router.add_post("/v1/webhook/{name}", _answer(served, answer_webhook))
    if door is not None:
        door.join(app)
    return app


async def serve_http(
    address: str, served: Served, stopping: asyncio.Event, door: GitDoor | None = None
) -> None:
    """Serve until ``stopping``: on HOST:PORT, or ``unix:/path``. Raises OSError when that cannot be had."""
    from aiohttp import web

    # Bodies are signed as they came, and what is packed is as large as whoever packed it likes.
    runner = web.AppRunner(
        make_app(served, door),
        access_log=None,
        shutdown_timeout=2.0,
        auto_decompress=False,
        keepalive_timeout=15.0,
        lingering_time=1.0,
    )
    await runner.setup()
    try:
        await _open(runner, address)
        await stopping.wait()
    finally:
        await runner.cleanup()
        if address.startswith(_UNIX):
            await asyncio.to_thread(Path(address.removeprefix(_UNIX)).unlink, missing_ok=True)


async def _open(runner: web.AppRunner, address: str) -> None:
    from aiohttp import web

    if not address.startswith(_UNIX):
        host, _, port = address.rpartition(":")
        await web.TCPSite(runner, host.strip("[]"), int(port)).start()
        return
    path = Path(address.removeprefix(_UNIX))
    await asyncio.to_thread(path.unlink, missing_ok=True)
    mask = os.umask(0o777 & ~_MODE)
    try:
        await web.UnixSite(runner, str(path)).start()
    finally:
        os.umask(mask)


def _answer(served: Served, answer: Answer) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def respond(request: web.Request) -> web.StreamResponse:
        return await answer(served, request)

    return respond


async def _health(served: Served, _: web.Request) -> web.Response:
    """503 while anything of the loop is ill: see ``health_of``."""
    from aiohttp import web

    found = health_of(served.keepers, served.health, time.monotonic())
    known: dict[str, Json] = {
        "unreachable": unreachable(served.watches),
        "run_file_refused": served.health.is_refused,
    }
    return web.json_response({**found.tell(), **known}, status=200 if found.is_well else 503)


async def _ready(served: Served, _: web.Request) -> web.Response:
    """503 until every repository was read once, and again when the loop ends."""
    from aiohttp import web

    names = unread(served.watches)
    is_ready = not names and not served.stopping.is_set()
    return web.json_response({"unread": names}, status=200 if is_ready else 503)


async def _metrics(served: Served, _: web.Request) -> web.Response:
    from aiohttp import web

    now = time.monotonic()
    text = metrics_text(served.keepers, now, served.health, served.deliveries, served.outbox)
    return web.Response(body=text.encode(), headers={"Content-Type": CONTENT_TYPE})

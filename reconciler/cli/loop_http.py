"""What a loop serves on its own port: signed webhooks, health, readiness, metrics. Loopback only.

A webhook changes nothing: it says "ask now". A forged or doubled one costs a request to the remote.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.cli.loop_metrics import metrics_text
from reconciler.cli.loop_signature import is_signed, names_signature
from reconciler.cli.loop_source import RepositoryWatch
from reconciler.desired import Json
from reconciler.keeper import Keeper
from reconciler.ownership import Owner

if TYPE_CHECKING:
    from aiohttp import web

MAX_BODY: Final = 1 << 20
_MAX_WAIT: Final = 900.0
_STALE: Final = 300.0
"""Seconds without a complete look after which an environment counts as ill."""
GOOD: Final = ("settled", "waiting")


@dataclass(frozen=True, slots=True)
class Served:
    """What the port tells of and speaks to."""

    watches: Mapping[str, RepositoryWatch]
    keepers: Mapping[Owner, Keeper]
    owners: Callable[[str], list[Owner]]
    """The owners that a repository's entry keeps."""


async def serve_http(address: str, served: Served, stopping: asyncio.Event) -> None:
    """Serve until ``stopping``. Raises OSError when the address cannot be had."""
    from aiohttp import web

    app = web.Application(client_max_size=MAX_BODY)
    app.router.add_get("/healthz", _answer(served, _health))
    app.router.add_get("/readyz", _answer(served, _ready))
    app.router.add_get("/metrics", _answer(served, _metrics))
    app.router.add_post("/v1/webhook/{name}", _answer(served, _webhook))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    host, _, port = address.rpartition(":")
    try:
        await web.TCPSite(runner, host.strip("[]"), int(port)).start()
        await stopping.wait()
    finally:
        await runner.cleanup()


Answer = Callable[["Served", "web.Request"], "Awaitable[web.Response]"]


def _answer(served: Served, answer: Answer) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def respond(request: web.Request) -> web.Response:
        return await answer(served, request)

    return respond


async def _health(served: Served, _: web.Request) -> web.Response:
    """503 while any environment has not been seen whole for five minutes."""
    from aiohttp import web

    now = time.monotonic()
    ill: list[Json] = [
        str(owner)
        for owner, keeper in served.keepers.items()
        if keeper.looked_at is None or now - keeper.looked_at > _STALE + keeper.resync
    ]
    return web.json_response({"ill": ill}, status=503 if ill else 200)


async def _ready(served: Served, _: web.Request) -> web.Response:
    """503 until every repository was read once."""
    from aiohttp import web

    unread: list[Json] = [name for name, watch in served.watches.items() if not watch.was_read]
    return web.json_response({"unread": unread}, status=503 if unread else 200)


async def _metrics(served: Served, _: web.Request) -> web.Response:
    from aiohttp import web

    return web.Response(text=metrics_text(served.keepers, time.monotonic()), content_type="text/plain")


async def _webhook(served: Served, request: web.Request) -> web.Response:
    """202 with a run id; with ``?wait=true`` 200 or 424 when that news is settled or has failed."""
    from aiohttp import web

    watch = served.watches.get(request.match_info["name"])
    secret = _secret(watch)
    if watch is None or secret is None or not names_signature(request.headers):
        # Nothing is read of a request that cannot be signed, and none is told which repositories there are.
        return web.json_response({"error": "not signed"}, status=401)
    body = await request.read()
    if not is_signed(request.headers, body, secret, time.time()):
        return web.json_response({"error": "not signed"}, status=401)
    run = secrets.token_hex(8)
    read = watch.announce(f"webhook {run}")
    if request.query.get("wait") != "true":
        return web.json_response({"run": run}, status=202)
    try:
        async with asyncio.timeout(_MAX_WAIT):
            await read.wait()
            results = await settle(served, watch)
    except TimeoutError:
        return web.json_response({"run": run, "result": "waiting"}, status=504)
    is_well = all(result in GOOD for result in results.values())
    answer: dict[str, Json] = {"run": run, "environments": dict(results)}
    return web.json_response(answer, status=200 if is_well else 424)


async def settle(served: Served, watch: RepositoryWatch) -> dict[str, Json]:
    """How each environment of the repository comes to rest at its newest commit. One whose newest commit was
    refused says so."""
    results: dict[str, Json] = dict.fromkeys(watch.refused, "refused")
    for owner in served.owners(watch.entry.name):
        if owner.environment in results:
            continue
        keeper = served.keepers[owner]
        while keeper.rest is None or keeper.rest.desired.commit != watch.commits.get(owner.environment):
            await keeper.rested.wait()
        results[owner.environment] = keeper.rest.result
    return results


def _secret(watch: RepositoryWatch | None) -> bytes | None:
    """The secret that signs, read each time so that it can be rotated; None where there is none."""
    if watch is None or watch.entry.webhook_secret is None:
        return None
    try:
        return Path(watch.entry.webhook_secret).read_bytes().strip() or None
    except OSError:
        return None

"""Registries that are full or ask for a login, on a thread of their own beside a command that uses them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from fake_registry import FakeRegistry, Handler


@contextmanager
def running(registry: FakeRegistry) -> Iterator[FakeRegistry]:
    """The registry answers while the block runs."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(registry.__aenter__(), loop).result(10)
    try:
        yield registry
    finally:
        asyncio.run_coroutine_threadsafe(registry.__aexit__(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def refuse_storage(request: web.Request, _: Handler) -> web.StreamResponse:
    """What a registry says that has no room left."""
    body = {"errors": [{"code": "UNKNOWN", "message": "no space left on device"}]}
    return web.json_response(body, status=507)

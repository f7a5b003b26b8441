"""A stand-in for forges and receivers of notifications: records what is posted, answers as it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web


@dataclass(frozen=True)
class Posted:
    """One request."""

    path: str
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


@dataclass
class Receiver:
    """Listens on loopback while in ``async with``. ``answers``: what the next requests are answered with
    (status, headers, text); then 201. ``gate``: closed, nothing is answered."""

    posted: list[Posted] = field(default_factory=list)
    answers: list[tuple[int, Mapping[str, str], str]] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        self.gate.set()
        app = web.Application()
        app.router.add_route("POST", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.gate.set()
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        self.posted.append(Posted(request.raw_path, dict(request.headers), await request.read()))
        self.came.set()
        self.came = asyncio.Event()
        await self.gate.wait()
        status, headers, text = self.answers.pop(0) if self.answers else (201, {}, "{}")
        return web.Response(status=status, headers=headers, text=text)

    async def until(self, count: int, seconds: float = 10.0) -> list[Posted]:
        """So many requests have come. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while len(self.posted) < count:
                await self.came.wait()
        return self.posted

"""A stand-in for what is asked by GET: a forge's API, or pages. Answers by path, records who asked what."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Any, Self
from urllib.parse import parse_qsl

from aiohttp import web


@dataclass(frozen=True)
class Asked:
    """One request."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass
class Answering:
    """Listens on loopback while in ``async with``. ``answers``: path -> status and what is answered, as JSON
    where it is no text; a list is given page by page. Another path is 404."""

    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        path, _, query = request.raw_path.partition("?")
        words = dict(parse_qsl(query))
        self.asked.append(Asked(path, words, dict(request.headers)))
        status, value = self.answers.get(path, (404, "not here"))
        page, size = int(words.get("page", "1")), _size(words)
        value = _page(value, page, size)
        text = value if isinstance(value, str) else json.dumps(value)
        return web.Response(status=status, text=text, headers=self.headers.get(path))


def _size(words: Mapping[str, str]) -> int:
    """GitHub and GitLab give a hundred where asked; Gitea never more than fifty."""
    return min(50, int(words["limit"])) if "limit" in words else int(words.get("per_page", "30"))


def _page(value: Any, page: int, size: int) -> Any:
    """One page of a list, or of the lists in an object."""
    if isinstance(value, list):
        return value[(page - 1) * size : page * size]
    if isinstance(value, dict):
        return {
            key: _page(part, page, size) if isinstance(part, list) else part for key, part in value.items()
        }
    return value


@contextmanager
def answering_apart() -> Iterator[Answering]:
    """The same in a thread of its own, for tests without a loop, or with one whose time is not real."""
    loop, server = asyncio.new_event_loop(), Answering()
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result()
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

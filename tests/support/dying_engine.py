"""An engine whose user dies at its nth change: before it is sent, or after it took effect."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping

from providers.docker.engine import WRITE, Engine, Method, Query
from providers.docker.tree import Node
from reconciler.desired import Json


class Killed(BaseException):
    """The process ends here; nothing may catch it."""


class DyingEngine(Engine):
    """Counts changes; at number ``last`` (0 is the first) it dies, before or after the engine did it."""

    def __init__(self, socket_path: str, last: int, *, after: bool) -> None:
        super().__init__(socket_path)
        self._left, self._after = last, after

    async def write(
        self,
        method: Method,
        path: str,
        query: Query | None = None,
        body: Node | bytes | None = None,
        deadline: float = WRITE,
    ) -> Json:
        self._left -= 1
        if self._left < 0 and not self._after:
            raise Killed
        found = await super().write(method, path, query, body, deadline)
        if self._left < 0:
            raise Killed
        return found

    async def follow(
        self, path: str, query: Query, headers: Mapping[str, str], idle: float
    ) -> AsyncGenerator[Node, None]:
        self._left -= 1
        if self._left < 0 and not self._after:
            raise Killed
        async for message in super().follow(path, query, headers, idle):
            yield message
        if self._left < 0:
            raise Killed

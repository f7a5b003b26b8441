"""An engine whose user waits for no answer longer than a moment, for tests of answers that never come."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping

from providers.docker.engine import WRITE, Engine, Method, Query
from providers.docker.tree import Node
from providers.docker.wire import Answer
from reconciler.desired import Json

MOMENT = 0.8


class HastyEngine(Engine):
    """Cuts every deadline to ``moment`` seconds, and adds to it what a call may take by its own words."""

    moment = MOMENT

    async def ask(self, target: str, deadline: float) -> Answer:
        return await super().ask(target, min(deadline, self.moment))

    async def write(
        self,
        method: Method,
        path: str,
        query: Query | None = None,
        body: Node | bytes | None = None,
        deadline: float = WRITE,
    ) -> Json:
        return await super().write(method, path, query, body, self.moment + max(0.0, deadline - WRITE))

    async def follow(
        self, path: str, query: Query, headers: Mapping[str, str], idle: float
    ) -> AsyncGenerator[Node, None]:
        async for message in super().follow(path, query, headers, self.moment):
            yield message

"""An engine whose user waits for no answer longer than a moment, for tests of answers that never come."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from providers.docker.engine import WRITE, Engine, Method, Query
from providers.docker.tree import Node
from providers.docker.wire import Answer
from reconciler.desired import Json

MOMENT = 0.4
LONGER = ("/start", "/stop", "/create")
"""What an engine needs more time for than for an answer."""


class HastyEngine(Engine):
    """Cuts every deadline to ``moment`` seconds, three times that where the engine has to work, and adds to
    it what a call may take by its own words."""

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
        **more: Any,
    ) -> Json:
        own = max(0.0, deadline - WRITE) + 2 * self.moment * path.endswith(LONGER)
        return await super().write(method, path, query, body, self.moment + own, **more)

    async def follow(
        self, path: str, query: Query, headers: Mapping[str, str], idle: float
    ) -> AsyncGenerator[Node, None]:
        async for message in super().follow(path, query, headers, self.moment):
            yield message

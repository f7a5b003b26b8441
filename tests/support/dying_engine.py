"""An engine whose user dies right after its nth change: what it did is there, what it learnt is lost.

To die before a change is to die after the one before.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping

from providers.docker.engine import WRITE, Engine, Method, Query
from providers.docker.policy_values import NOTHING, Permit
from providers.docker.tree import Node
from reconciler.desired import Json


class Killed(BaseException):
    """The process ends here; nothing may catch it."""


class DyingEngine(Engine):
    """Dies after change number ``last``; 0 is the first."""

    def __init__(self, socket_path: str, last: int) -> None:
        super().__init__(socket_path)
        self._left = last

    async def write(
        self,
        method: Method,
        path: str,
        query: Query | None = None,
        body: Node | bytes | None = None,
        deadline: float = WRITE,
        permit: Permit = NOTHING,
    ) -> Json:
        found = await super().write(method, path, query, body, deadline, permit)
        self._count()
        return found

    async def follow(
        self, path: str, query: Query, headers: Mapping[str, str], idle: float
    ) -> AsyncGenerator[Node, None]:
        async for message in super().follow(path, query, headers, idle):
            yield message
        self._count()

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Killed

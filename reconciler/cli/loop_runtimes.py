"""The engines that a loop works on: one client for each endpoint, however many environments are there."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from reconciler.cli.reach import Reach
from reconciler.cli.session import open_docker
from reconciler.provider import Runtime

if TYPE_CHECKING:
    from providers.docker.line import Line

_ENDS: Final = 4.0


@dataclass(slots=True)
class Runtimes:
    """One for each process."""

    opened: dict[str, Runtime] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)

    def open(self, reach: Reach) -> Runtime:
        """One for each endpoint, with its one connection. A loop asks neither DOCKER_HOST nor a context what
        it works on. Raises Refused."""
        where = str(reach.chosen.endpoint)
        reach.line = self.lines.setdefault(where, reach.line)
        if where not in self.opened:
            self.opened[where] = open_docker(reach)
        return self.opened[where]

    async def close(self) -> None:
        """Close them all, each within seconds."""
        for runtime in self.opened.values():
            with suppress(TimeoutError):
                await asyncio.wait_for(runtime.close(), _ENDS)

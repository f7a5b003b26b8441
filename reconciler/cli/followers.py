"""Who looks on while a loop works: lines for each repository, dropped for who reads too slowly."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

_MAX_LINES = 2_000


@dataclass(slots=True)
class Followers:
    """The queues of those who look on, by the name of the repository that they are about."""

    _queues: dict[str, list[asyncio.Queue[str]]] = field(default_factory=dict)

    def tell(self, name: str, lines: Sequence[str]) -> None:
        """Lines for everybody who follows this repository. Waits for nobody."""
        for queue in self._queues.get(name, ()):
            for line in lines:
                if not queue.full():
                    queue.put_nowait(line)

    @contextmanager
    def follow(self, name: str) -> Iterator[asyncio.Queue[str]]:
        """A queue of the lines from now on."""
        queue: asyncio.Queue[str] = asyncio.Queue(_MAX_LINES)
        self._queues.setdefault(name, []).append(queue)
        try:
            yield queue
        finally:
            self._queues[name].remove(queue)

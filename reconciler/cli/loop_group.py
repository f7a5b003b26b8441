"""Work of a loop that begins and ends by itself, while everything else goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from reconciler.cli.loop_source import RepositoryWatch
from reconciler.cli.receive import prepare_repository
from reconciler.ownership import Owner
from reconciler.serve import Post, Tell, serve
from specs.run_repository import RunRepository

_CANCELLED = 3.0
"""Seconds that work has to notice that it is cancelled."""


@dataclass(frozen=True, slots=True)
class Running:
    """Posts at work."""

    task: asyncio.Task[None]
    stopping: asyncio.Event

    async def end(self, within: float) -> bool:
        """Let them finish what they have begun, at most so many seconds; then they are cancelled. Whether
        they came to an end by themselves."""
        self.stopping.set()
        done, _ = await asyncio.wait({self.task}, timeout=within)
        if not done:
            self.task.cancel()
            await asyncio.wait({self.task}, timeout=_CANCELLED)
        return bool(done)


def begin(name: str, posts: Sequence[Post], tell: Tell) -> Running:
    """Begin them in the running event loop."""
    stopping = asyncio.Event()
    task = asyncio.get_running_loop().create_task(serve(posts, stopping, tell), name=name)
    return Running(task, stopping)


async def prepare(entries: Iterable[RunRepository]) -> None:
    """Make the repositories that are pushed to. Raises ProviderError, OSError."""
    for entry in entries:
        if entry.receive:
            await asyncio.to_thread(prepare_repository, entry)


@dataclass(slots=True)
class Group:
    """One repository of the Run file: who asks it for news, and what is kept of it."""

    entry: RunRepository
    watch: RepositoryWatch
    watching: Running
    environments: dict[Owner, Running] = field(default_factory=dict)

"""Several environments in one process: each kept by itself, so that none waits for another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from reconciler.jitter import jittered
from reconciler.keeper import Keeper
from reconciler.provider import ProviderError

_LONGEST_PAUSE = 60.0
Work = Callable[[asyncio.Event], Awaitable[None]]
Tell = Callable[[str, BaseException], None]


@dataclass(frozen=True, slots=True)
class Post:
    """One piece of work that goes on until the process stops. ``name`` is for messages."""

    name: str
    work: Work


async def serve(posts: Sequence[Post], stopping: asyncio.Event, tell: Tell) -> None:
    """All of them until ``stopping``. One that fails by a fault of ours is begun again after a pause that
    grows to a minute; the others never notice."""
    async with asyncio.TaskGroup() as group:
        for post in posts:
            group.create_task(_hold(post, stopping, tell), name=post.name)


async def _hold(post: Post, stopping: asyncio.Event, tell: Tell) -> None:
    failures = 0
    while not stopping.is_set():
        try:
            await post.work(stopping)
        except Exception as error:  # a fault of ours in one environment must not end the others
            tell(post.name, error)
            failures += 1
            await sleep(stopping, min(_LONGEST_PAUSE, 2.0 ** (failures - 1)))


async def listen(watch: Callable[[], AsyncIterator[None]], keeper: Keeper, stopping: asyncio.Event) -> None:
    """Hints from the runtime's own events. They are only hints: after every break the keeper looks at
    everything, since nobody tells what was missed."""
    failures = 0
    while not stopping.is_set():
        try:
            async for _ in _until(watch(), stopping):
                failures = 0
                keeper.hint()
        except ProviderError:
            failures += 1
        keeper.hint()
        await sleep(stopping, min(_LONGEST_PAUSE, 0.5 * 2.0**failures))


async def _until(events: AsyncIterator[None], stopping: asyncio.Event) -> AsyncIterator[None]:
    """The events until ``stopping``."""
    ended = asyncio.ensure_future(stopping.wait())
    try:
        while True:
            following = asyncio.ensure_future(anext(events))
            await asyncio.wait({following, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not following.done():
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
                return
            try:
                yield following.result()
            except StopAsyncIteration:
                return
    finally:
        ended.cancel()


async def first_of(*events: asyncio.Event, within: float | None = None) -> None:
    """Until one of them is set, at most so many seconds."""
    ended = [asyncio.ensure_future(event.wait()) for event in events]
    await asyncio.wait(ended, timeout=within, return_when=asyncio.FIRST_COMPLETED)
    for waiting in ended:
        waiting.cancel()


async def sleep(stopping: asyncio.Event, seconds: float) -> None:
    """So long, jittered by a fifth, or until ``stopping``."""
    try:
        await asyncio.wait_for(stopping.wait(), jittered(seconds))
    except TimeoutError:
        return

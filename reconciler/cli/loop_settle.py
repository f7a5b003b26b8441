"""How the environments of a repository come to rest at its newest commit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from reconciler.cli.loop_source import RepositoryWatch
from reconciler.desired import Json
from reconciler.keeper import Keeper
from reconciler.ownership import Owner

GOOD: Final = ("settled", "waiting")
"""Results after which nothing is left that we or time will end."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a loop keeps now, as its listeners see it."""

    watches: Mapping[str, RepositoryWatch]
    keepers: Mapping[Owner, Keeper]
    owners: Callable[[str], list[Owner]]
    """The owners that a repository's entry keeps."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    """The loop ends: who waits is answered."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How one environment ended: a result of ``apply``, or refused, stopping, gone, unfinished. ``commit``:
    which one this is about, where it is known."""

    result: str
    commit: str | None

    @property
    def is_well(self) -> bool:
        """It is as that commit says."""
        return self.result in GOOD


async def come_to_rest(kept: Kept, watch: RepositoryWatch) -> dict[str, Ended]:
    """Waits until each environment of the repository rests at its newest commit. One whose newest commit was
    refused says so; of one that is kept no more, and of a loop that ends, there is nothing to wait for."""
    results = {name: Ended("refused", None) for name in sorted(watch.refused)}
    for owner in kept.owners(watch.entry.name):
        if owner.environment not in results:
            results[owner.environment] = await _rest_of(kept, watch, owner)
    return results


async def _rest_of(kept: Kept, watch: RepositoryWatch, owner: Owner) -> Ended:
    while not kept.stopping.is_set():
        keeper = kept.keepers.get(owner)
        if keeper is None:
            return Ended("gone", None)
        if keeper.snapshot is not None and keeper.snapshot.pending is not None:
            return Ended("waiting", keeper.snapshot.pending)  # for ``apply``, and nobody knows how long
        commit = watch.commits.get(owner.environment)
        if keeper.rest is not None and keeper.rest.desired.commit == commit:
            return Ended(keeper.rest.result, commit)
        await either(keeper.rested.wait(), kept.stopping.wait())
    return Ended("stopping", watch.commits.get(owner.environment))


async def either(*awaited: Awaitable[object]) -> None:
    """Until one of them is there; the others are given up."""
    tasks = [asyncio.ensure_future(one) for one in awaited]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


async def settle(kept: Kept, watch: RepositoryWatch, read: asyncio.Event | None = None) -> dict[str, Json]:
    """The same as words, by environment. ``read``: first of all wait until the news has been read."""
    if read is not None:
        await either(read.wait(), kept.stopping.wait())
    return {name: ended.result for name, ended in (await come_to_rest(kept, watch)).items()}

"""What a repository that is pushed to needs now and then: packs put together, and left-overs taken away.

Each push leaves a pack. They are put together when there are many of them, while nobody pushes, within ten
minutes and by one thread; git keeps what is read meanwhile.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from reconciler.provider import ProviderError
from reconciler.serve import Post, sleep
from specs.run_repository import RunRepository

MOST_PACKS: Final = 30
LEFT_AFTER: Final = 3_600.0
"""Seconds after which what a push has left is no push any more."""
_EVERY: Final = 3_600.0
_LONGEST: Final = 600.0
_LEFT: Final = ("tmp_objdir-incoming-*", "incoming-*", "pack/tmp_*", "pack/.tmp-*")


def upkeep(entry: RunRepository) -> list[Post]:
    """The work that it takes for as long as the loop lives; none for a repository that is not pushed to."""

    async def work(stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            # The repository itself is read all the time: that tells what is wrong with it.
            with suppress(ProviderError):
                await asyncio.to_thread(tidy, Path(entry.folder or "/"), time.time())
            await sleep(stopping, _EVERY)

    return [Post(f"upkeep of {entry.name}", work)] if entry.receive else []


def tidy(folder: Path, now: float, most_packs: int = MOST_PACKS) -> None:
    """Once. ``now`` in seconds since 1970. Raises ProviderError."""
    objects = folder / "objects"
    at_work = False
    for pattern in _LEFT:
        for path in objects.glob(pattern):
            is_left = _age(path, now) > LEFT_AFTER
            at_work = at_work or not is_left
            if is_left:
                _remove(path)
    if not at_work and len(list(objects.glob("pack/*.pack"))) > most_packs:
        from providers.git.command import GitCommand

        words = ("-c", "pack.threads=1", "repack", "-d", "-q", "--geometric=2")
        GitCommand(folder).read(*words, timeout=_LONGEST)


def _age(path: Path, now: float) -> float:
    try:
        return now - path.lstat().st_mtime
    except OSError:
        return 0.0


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)

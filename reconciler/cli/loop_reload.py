"""The Run file read again while the loop goes on: on SIGHUP, and when the file has changed.

What did not change notices nothing. A file that cannot be used changes nothing, and says where it is wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from reconciler.cli.envelope import Stop, failure, problem_of
from reconciler.cli.loop_group import prepare
from reconciler.cli.loop_process import Loop
from reconciler.fault import ProviderError
from specs.problem import Problem
from specs.run_file import RunFile
from specs.run_repository import RunRepository

PAUSE: Final = 2.0
"""Seconds between two looks at the file. It must be the same for two of them: editors write bit by bit."""
Stamp = tuple[int, int, int] | None


@dataclass(slots=True)
class Reload:
    """The Run file of a loop. ``read`` raises Stop."""

    loop: Loop
    path: Path
    read: Callable[[Path], RunFile]
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """Somebody wants it read now, changed or not."""
    pause: float = PAUSE

    async def watch(self, stopping: asyncio.Event) -> None:
        """Read it whenever it has changed, until ``stopping``."""
        known = seen = await asyncio.to_thread(stamp_of, self.path)
        while not stopping.is_set():
            await self._wait(stopping)
            stamp = await asyncio.to_thread(stamp_of, self.path)
            is_asked, is_still = self.asked.is_set(), stamp == seen
            seen = stamp
            if stopping.is_set() or not (is_asked or (is_still and stamp != known)):
                continue
            known = stamp
            self.asked.clear()
            await self.reload()

    async def reload(self) -> bool:
        """Read it, and do what it says; False where it was refused."""
        try:
            config = await asyncio.to_thread(self.read, self.path)
            if config != self.loop.config:
                await turn_to(self.loop, config)
        except Stop as stop:
            return self._refuse(stop.problems)
        except ProviderError as error:
            return self._refuse([problem_of(error)])
        except OSError as error:
            seen = error.strerror or "it cannot be made"
            return self._refuse([failure("CLI040", str(error.filename or self.path), seen, "a folder")])
        self._count("taken", is_refused=False)
        self.loop.voice.log.info("run file", repositories=sorted(self.loop.groups))
        return True

    def _refuse(self, problems: Iterable[Problem]) -> bool:
        self._count("refused", is_refused=True)
        shown = [str(problem) for problem in problems][:20]
        self.loop.voice.log.error("run file refused", problems=shown, expected="what was read before counts")
        return False

    def _count(self, result: str, is_refused: bool) -> None:
        health = self.loop.served.health
        health.reloads[result] += 1
        health.is_refused = is_refused

    async def _wait(self, stopping: asyncio.Event) -> None:
        ended = [asyncio.ensure_future(event.wait()) for event in (stopping, self.asked)]
        await asyncio.wait(ended, timeout=self.pause, return_when=asyncio.FIRST_COMPLETED)
        for waiting in ended:
            waiting.cancel()


def stamp_of(path: Path) -> Stamp:
    """What changes when a file does; None where it cannot be seen."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


async def turn_to(loop: Loop, config: RunFile) -> None:
    """Keep from now on what this says. Raises ProviderError and OSError, with nothing changed, where a
    repository cannot be made."""
    await prepare(config.spec.repositories)
    before, after = _by_name(loop.config), _by_name(config)
    is_elsewhere = loop.config.spec.secrets != config.spec.secrets
    changed = [n for n in after if n in before and (is_elsewhere or before[n] != after[n])]
    loop.config = config
    # First what goes, so that its owners are free for whoever keeps them now.
    await asyncio.gather(*(loop.end_repository(name) for name in before if name not in after))
    for name in changed:
        await loop.end_watch(name)
        await _end_unlisted(loop, after[name])
    for name in [*changed, *(name for name in after if name not in before)]:
        loop.begin_repository(after[name])
    for keeper in loop.keepers.values():
        keeper.resync = config.spec.resync
    await loop.open_ports()


async def _end_unlisted(loop: Loop, entry: RunRepository) -> None:
    """Environments that the entry names no more. One that names none keeps all."""
    kept = loop.groups[entry.name].environments
    gone = [owner for owner in kept if entry.environments and owner.environment not in entry.environments]
    await asyncio.gather(*(loop.end_environment(owner) for owner in gone))


def _by_name(config: RunFile) -> Mapping[str, RunRepository]:
    return {entry.name: entry for entry in config.spec.repositories}

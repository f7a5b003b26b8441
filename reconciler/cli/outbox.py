"""Letters that wait to be sent: in memory, and as a file each, so that a restart loses none.

Nothing here may fail or delay a deploy: a full disk keeps them in memory, a damaged file is set aside.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from reconciler.cli.result_letters import Letter, read_letter, write_letter

MOST: Final = 2_000
"""Letters that wait at once; of more the oldest are thrown away."""
_SUFFIX: Final = ".letter"
Tell = Callable[[str], None]


@dataclass(slots=True)
class Tally:
    """What became of letters since the process began."""

    sent: int = 0
    failed: int = 0
    """Attempts that failed; the letter waits for another."""
    dropped: int = 0


@dataclass(slots=True)
class Outbox:
    """The letters of one process, below a folder that is its own."""

    folder: Path
    tell: Tell = lambda words: None
    tally: Tally = field(default_factory=Tally)
    waiting: dict[str, Letter] = field(default_factory=dict)
    """By name; the oldest first."""
    _unwritten: dict[str, Letter | None] = field(default_factory=dict)
    """What the folder does not show yet; None: gone."""
    _told: bool = False

    def put(self, letter: Letter) -> None:
        """Send it as soon as may be. Touches no disk."""
        self.waiting.pop(letter.name, None)
        self.waiting[letter.name] = letter
        self._unwritten[letter.name] = letter
        while len(self.waiting) > MOST:
            self.drop(next(iter(self.waiting.values())), "too many wait")

    def sent(self, letter: Letter) -> None:
        """It arrived. A newer one that was put meanwhile waits on."""
        self.tally.sent += 1
        self._remove(letter)

    def drop(self, letter: Letter, reason: str) -> None:
        """It will never arrive."""
        self.tally.dropped += 1
        self._remove(letter)
        self.tell(f"a result for {letter.destination} is thrown away: {reason}")

    def _remove(self, letter: Letter) -> None:
        if self.waiting.get(letter.name) is letter:
            del self.waiting[letter.name]
            self._unwritten[letter.name] = None

    @property
    def is_written(self) -> bool:
        """The folder shows what waits."""
        return not self._unwritten

    def write(self) -> None:
        """Bring the folder up to date. Blocking; never raises."""
        for name, letter in list(self._unwritten.items()):
            try:
                self._write(name, letter)
            except (OSError, ValueError) as error:
                if not self._told:
                    self._told = True
                    self.tell(f"results wait in memory alone: {error.__class__.__name__} in {self.folder}")
            # Once: what cannot be written is sent all the same, and trying at each turn helps nobody.
            if self._unwritten.get(name) is letter:
                # The write of a process that ends may overtake one that is still under way in its thread.
                self._unwritten.pop(name, None)

    def _write(self, name: str, letter: Letter | None) -> None:
        path = self.folder / f"{name}{_SUFFIX}"
        if letter is None:
            path.unlink(missing_ok=True)
            return
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = path.with_suffix(".new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(write_letter(letter))
                stream.flush()
                os.fsync(stream.fileno())
            beside.replace(path)
        except OSError:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
            raise
        self._sync_folder()

    def _sync_folder(self) -> None:
        """A rename is safe from a loss of power when its folder is."""
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def load(self) -> None:
        """What an earlier process left. Blocking; never raises. What was put already counts as newer."""
        for letter in sorted(self._left(), key=lambda found: found.written_at):
            self.waiting.setdefault(letter.name, letter)

    def _left(self) -> Iterator[Letter]:
        try:
            paths = sorted(self.folder.glob(f"*{_SUFFIX}"))[:MOST]
        except OSError:
            return
        for path in paths:
            try:
                letter = read_letter(path.read_bytes())
                if letter.name != path.stem:
                    raise ValueError("another letter")
            except (OSError, ValueError):
                with suppress(OSError):
                    path.replace(path.with_suffix(".damaged"))
                continue
            yield letter

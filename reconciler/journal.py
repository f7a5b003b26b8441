"""What happened, one JSON line an event, append-only. Every line may be lost: nothing is decided by it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from reconciler.desired import Json
from reconciler.ownership import Owner

_MAX_BYTES = 8 << 20
"""A journal longer than this is begun anew, with the old one kept beside it as ``journal.jsonl.1``."""
_MAX_LINE: Final = 1 << 20
"""An entry longer than this is kept without the actions that it lists."""
_BEGUN: Final = "begun_anew"


def state_folder() -> Path:
    """``$XDG_STATE_HOME/reconciler``, by default ``~/.local/state/reconciler``."""
    root = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(root) / "reconciler"


@dataclass(frozen=True, slots=True)
class Told:
    """The newest entries first. ``is_whole``: nothing that could be told was damaged or thrown away."""

    entries: tuple[Mapping[str, Json], ...]
    damaged: int
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Journal:
    """The journal of one owner. No method raises: a full disk never fails a deploy. Any number of processes
    may write at once: a line is one write at the end of the file, and one at a time begins it anew."""

    path: Path

    @classmethod
    def of(cls, owner: Owner, folder: Path | None = None) -> Journal:
        """The journal of an owner below the state folder."""
        return cls((folder or state_folder()) / owner.project / owner.environment / "journal.jsonl")

    def append(self, entry: Mapping[str, Json]) -> bool:
        """Add one entry by one write, so that writers do not mix; False when it could not be written."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._rotate()
            line = _line(entry)
            if len(line) > _MAX_LINE:
                line = _line({**entry, "actions": [], "shortened": True})
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                prefix = b"\n" if self._is_torn() else b""
                return os.write(descriptor, prefix + line) == len(prefix + line)
            finally:
                os.close(descriptor)
        except (OSError, ValueError):
            return False

    def newest(self) -> Iterator[Mapping[str, Json]]:
        """The entries, the newest first; lines that cannot be read are passed over."""
        for entry in self._all():
            if entry is not None and entry.get("verb") != _BEGUN:
                yield entry

    def read(self, limit: int) -> Told:
        """So many entries, and how many lines between them could not be read. What lies behind them is not
        looked at."""
        entries: list[Mapping[str, Json]] = []
        damaged, begun = 0, 0
        for entry in self._all():
            if len(entries) == limit:
                break
            if entry is None:
                damaged += 1
            elif entry.get("verb") == _BEGUN:
                times = entry.get("times")
                begun = max(begun, times if isinstance(times, int) else 0)
            else:
                entries.append(entry)
        # One rotation keeps what it moved; from the second on something was thrown away.
        cut = begun > 1 and len(entries) < limit
        return Told(tuple(entries), damaged, damaged == 0 and not cut)

    def _all(self) -> Iterator[Mapping[str, Json] | None]:
        """Every line of both files, the newest first; None for one that cannot be read."""
        for path in (self.path, self._older):
            for line in reversed(_lines(path)):
                try:
                    entry = json.loads(line)
                except (ValueError, RecursionError):
                    entry = None
                yield entry if isinstance(entry, dict) else None

    @property
    def _older(self) -> Path:
        return self.path.with_name(f"{self.path.name}.1")

    def _is_torn(self) -> bool:
        """Whether the last line was cut off by a crash: then the next one begins on a line of its own."""
        with self.path.open("rb") as stream:
            if stream.seek(0, os.SEEK_END) == 0:
                return False
            stream.seek(-1, os.SEEK_END)
            return stream.read(1) != b"\n"

    def _rotate(self) -> None:
        """Once, however many see that it is time: two who rotate would throw away what the first one kept."""
        if not self._is_long():
            return
        with self.path.with_name(f"{self.path.name}.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return  # another one does it
            if self._is_long():
                times = self._times() + 1
                self.path.replace(self._older)
                fresh = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
                try:
                    os.write(fresh, _line({"verb": _BEGUN, "times": times}))
                finally:
                    os.close(fresh)

    def _is_long(self) -> bool:
        try:
            return self.path.stat().st_size > _MAX_BYTES
        except FileNotFoundError:
            return False

    def _times(self) -> int:
        """How often it was begun anew: its first line says so."""
        with self.path.open("rb") as stream:
            first = stream.readline(_MAX_LINE)
        try:
            found = json.loads(first)
            return int(found["times"]) if found.get("verb") == _BEGUN else 0
        except (ValueError, TypeError, KeyError, AttributeError):
            return 0


def _line(entry: Mapping[str, Json]) -> bytes:
    return json.dumps(dict(entry), ensure_ascii=False, sort_keys=True).encode() + b"\n"


def _lines(path: Path) -> list[bytes]:
    try:
        return [line for line in path.read_bytes().split(b"\n") if line.strip()]
    except OSError:
        return []

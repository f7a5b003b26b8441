"""What happened, one JSON line an event, append-only. Every line may be lost: nothing is decided by it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.desired import Json
from reconciler.ownership import Owner

_MAX_BYTES = 8 << 20
"""A journal longer than this is begun anew, with the old one kept beside it as ``journal.jsonl.1``."""
_TAIL_BYTES = 1 << 20


def state_folder() -> Path:
    """``$XDG_STATE_HOME/reconciler``, by default ``~/.local/state/reconciler``."""
    root = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(root) / "reconciler"


@dataclass(frozen=True, slots=True)
class Journal:
    """The journal of one owner. No method raises: a full disk never fails a deploy."""

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
            line = json.dumps(dict(entry), ensure_ascii=False, sort_keys=True).encode() + b"\n"
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                prefix = b"\n" if self._is_torn() else b""
                os.write(descriptor, prefix + line)
            finally:
                os.close(descriptor)
        except (OSError, ValueError):
            return False
        return True

    def newest(self) -> Iterator[Mapping[str, Json]]:
        """Entries of the last megabyte, the newest first; lines that cannot be read are passed over."""
        for line in reversed(self._tail()):
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(entry, dict):
                yield entry

    def _tail(self) -> list[bytes]:
        try:
            with self.path.open("rb") as stream:
                stream.seek(0, os.SEEK_END)
                stream.seek(max(0, stream.tell() - _TAIL_BYTES))
                return stream.read().splitlines()
        except OSError:
            return []

    def _is_torn(self) -> bool:
        """Whether the last line was cut off by a crash: then the next one begins on a line of its own."""
        with self.path.open("rb") as stream:
            if stream.seek(0, os.SEEK_END) == 0:
                return False
            stream.seek(-1, os.SEEK_END)
            return stream.read(1) != b"\n"

    def _rotate(self) -> None:
        if self.path.exists() and self.path.stat().st_size > _MAX_BYTES:
            self.path.replace(self.path.with_name(f"{self.path.name}.1"))

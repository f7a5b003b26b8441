"""What this machine remembers of one environment of a Run file: the policy that was accepted last, the
commit, and the engine. Losing it loses only what markers and labels do not tell; nothing is made by it."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.journal import state_folder
from reconciler.strict_json import read_object

if TYPE_CHECKING:
    from specs.run_repository import RunRepository

_MAX_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class AcceptedRecord:
    """Commits by their full ids, the tag by its name, the engine by its own id; each None where unknown."""

    policy: str | None = None
    commit: str | None = None
    tag: str | None = None
    engine: str | None = None


@dataclass(frozen=True, slots=True)
class RecordFile:
    """The file of one environment. No method raises: what cannot be read is not known, and a full disk fails
    no deploy."""

    path: Path

    @classmethod
    def of(cls, entry: RunRepository, environment_name: str) -> RecordFile:
        """By what the Run file says of the repository, so that another repository has another record."""
        place = (entry.url or "", entry.folder or "", entry.ref or "", entry.path)
        text = "\n".join((*place, environment_name))
        name = hashlib.sha256(text.encode()).hexdigest()[:32]
        return cls(state_folder() / "accepted" / f"{name}.json")

    def read(self) -> AcceptedRecord:
        """What is remembered."""
        try:
            with self.path.open("rb") as stream:
                value = read_object(stream.read(_MAX_BYTES).decode())
        except (OSError, ValueError):
            return AcceptedRecord()
        known = {name: text for name, text in value.items() if isinstance(text, str) and text}
        return AcceptedRecord(*(known.get(name) for name in ("policy", "commit", "tag", "engine")))

    def write(self, record: AcceptedRecord) -> bool:
        """Remember it: the file is the old or the new one, whole. False when it could not be written."""
        beside = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with beside.open("w") as stream:
                json.dump(asdict(record), stream, sort_keys=True)
                stream.flush()
                os.fsync(stream.fileno())
            beside.replace(self.path)
        except OSError:
            return False
        return True

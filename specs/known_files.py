"""Spec files that were read before: what stands there unchanged is not parsed again.

A loop reads the same thousand files with every commit, one of them changed. A file is recognised by its path
and its whole content, never by an id that somebody gave it, and only one without any problem is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from specs.spec_set import Written
from specs.yaml_tree import Budget

_LOADS: Final = 4
"""For how many loads a file is kept that none of them had."""


@dataclass(frozen=True, slots=True)
class KnownFile:
    """What one file gave: its documents, the files that its Configs name, and its share of the budget."""

    documents: tuple[Written, ...]
    references: tuple[str, ...]
    cost: Budget


@dataclass(slots=True)
class KnownFiles:
    """The files of one spec path of one repository, for one load after another."""

    _files: dict[tuple[str, bytes], KnownFile] = field(default_factory=dict, repr=False)
    _used: dict[tuple[str, bytes], int] = field(default_factory=dict, repr=False)
    _load: int = 0

    def find(self, path: str, content: bytes, budget: Budget) -> KnownFile | None:
        """The file if it was read before, its share taken from the budget; None where that does not suffice:
        then reading it says so."""
        known = self._files.get((path, content))
        if known is None or not budget.take(known.cost):
            return None
        self._used[path, content] = self._load
        return known

    def keep(self, path: str, content: bytes, known: KnownFile) -> None:
        """Remember a file that has no problem."""
        self._files[path, content] = known
        self._used[path, content] = self._load

    def end_load(self) -> None:
        """Forget what no load had for a while. Two loads at once cost at most a file read again."""
        self._load += 1
        used = {key: load for key, load in list(self._used.items()) if load + _LOADS >= self._load}
        self._files = {key: known for key, known in list(self._files.items()) if key in used}
        self._used = used

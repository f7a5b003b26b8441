"""A listing of files that turns lines of ``git ls-tree`` into TreeFiles only when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import overload

from reconciler.provider import TreeFile


@dataclass(frozen=True, slots=True)
class Listing(Sequence[TreeFile]):
    """``records`` are ``<mode> <type> <oid>\\t<path>``, sorted by path as bytes."""

    records: Sequence[str] = field(repr=False)

    @overload
    def __getitem__(self, index: int) -> TreeFile: ...
    @overload
    def __getitem__(self, index: slice) -> Listing: ...
    def __getitem__(self, index: int | slice) -> TreeFile | Listing:
        if isinstance(index, slice):
            return Listing(self.records[index])
        head, _, path = self.records[index].partition("\t")
        mode, _, oid = head.split(" ")
        return TreeFile(path, int(mode, 8), oid)

    def __len__(self) -> int:
        return len(self.records)

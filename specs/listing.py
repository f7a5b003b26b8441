"""What git prints of files: listings whose files are made only when asked for, and batches of contents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar, overload

File = TypeVar("File", covariant=True)


@dataclass(frozen=True, slots=True)
class Listing(Sequence[File]):
    """Files from lines of ``git ls-tree``: ``<mode> <type> <oid>\\t<path>``, sorted by path as bytes.

    ``make`` gets path, mode and oid.
    """

    records: Sequence[str] = field(repr=False)
    make: Callable[[str, int, str], File] = field(repr=False)

    @overload
    def __getitem__(self, index: int) -> File: ...
    @overload
    def __getitem__(self, index: slice) -> Listing[File]: ...
    def __getitem__(self, index: int | slice) -> File | Listing[File]:
        if isinstance(index, slice):
            return Listing(self.records[index], self.make)
        head, _, path = self.records[index].partition("\t")
        mode, _, oid = head.split(" ")
        return self.make(path, int(mode, 8), oid)

    def __len__(self) -> int:
        return len(self.records)


def batch_contents(output: bytes) -> Iterator[tuple[str, bytes | None]]:
    """Object ids and contents from the output of ``git cat-file --batch``; None for an absent object."""
    at = 0
    while at < len(output):
        end = output.index(b"\n", at)
        oid, *rest = output[at:end].decode("ascii", "replace").split(" ")
        at = end + 1
        if len(rest) != 2:
            yield oid, None
            continue
        size = int(rest[1])
        yield oid, output[at : at + size]
        at += size + 1

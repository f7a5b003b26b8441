"""A build context as the bytes of an uncompressed tar: the manifest's files and nothing else."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from specs.manifest import Manifest, ManifestEntry, is_pointer

Read = Callable[[Sequence[ManifestEntry]], Mapping[str, bytes]]
"""Contents by the entry's path, in one batch."""

MODIFIED_AT = 315_619_200
"""2 January 1980, UTC: one time for every file, and one that zip archives can hold in any time zone."""
_BATCH = 256
_NO_NAMES = ("", ".", "..", ".git")


class UnfitFile(ValueError):
    """A file that no build may get: a git-lfs pointer, or a path that no checkout would write."""

    def __init__(self, path: str, seen: str) -> None:
        super().__init__(f"{path}: {seen}")
        self.path = path
        self.seen = seen


def context_tar(manifest: Manifest, read: Read) -> Iterator[bytes]:
    """The tar, in pieces. The same manifest gives the same bytes: no owners, one time, PAX names.

    Links are stored as links, wherever they point. Raises ``UnfitFile``, and what ``read`` raises.
    """
    entries = iter(manifest.entries())
    written = 0
    while batch := list(islice(entries, _BATCH)):
        contents = read(batch)
        for entry in batch:
            piece = _member(entry, contents[entry.path])
            written += len(piece)
            yield piece
    end = 2 * tarfile.BLOCKSIZE
    yield b"\0" * (end + -(written + end) % tarfile.RECORDSIZE)


def _member(entry: ManifestEntry, content: bytes) -> bytes:
    if any(name in _NO_NAMES for name in entry.path.lower().split("/")):
        raise UnfitFile(entry.path, "a path that no checkout would write")
    if not entry.link and is_pointer(content):
        raise UnfitFile(entry.path, "a git-lfs pointer in place of a file")
    header = tarfile.TarInfo(entry.path)
    header.mode = entry.mode
    header.mtime = MODIFIED_AT
    if entry.link:
        header.type = tarfile.SYMTYPE
        header.linkname = content.decode("utf-8", "surrogateescape")
        return header.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    header.size = len(content)
    padding = b"\0" * (-len(content) % tarfile.BLOCKSIZE)
    return header.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape") + content + padding

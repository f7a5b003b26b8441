"""A tree of files in memory, for tests of what is made from trees."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class MemoryFile:
    path: str
    mode: int
    oid: str


@dataclass
class MemoryTree:
    """Contents by path; ``links`` and ``programs`` say which are such; ``special`` change bytes."""

    contents: Mapping[str, bytes]
    links: Sequence[str] = ()
    programs: Sequence[str] = ()
    gitlinks: Sequence[str] = ()
    special: Sequence[str] = ()
    reads: list[str] = field(default_factory=list)

    def files(self, folder: str) -> Sequence[MemoryFile]:
        paths = [*self.contents, *self.gitlinks]
        below = [path for path in paths if folder == "." or path.startswith(f"{folder}/")]
        return [
            MemoryFile(
                path,
                self._mode(path),
                hashlib.sha1(self.contents.get(path, b""), usedforsecurity=False).hexdigest(),
            )
            for path in sorted(below, key=lambda path: path.encode("utf-8", "surrogateescape"))
        ]

    def read(self, files: Sequence[MemoryFile]) -> Mapping[str, bytes]:
        self.reads += [file.path for file in files]
        return {file.path: self.contents[file.path] for file in files}

    def sizes(self, files: Sequence[MemoryFile]) -> Mapping[str, int]:
        return {file.path: len(self.contents[file.path]) for file in files}

    def special_paths(self, files: Sequence[MemoryFile]) -> Sequence[str]:
        return [file.path for file in files if file.path in self.special]

    def _mode(self, path: str) -> int:
        if path in self.gitlinks:
            return 0o160000
        return 0o120000 if path in self.links else 0o100755 if path in self.programs else 0o100644

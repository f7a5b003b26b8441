"""What git's index and the folder say of each file: which content ids can be trusted without a read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

_TRACKED = "H"
_GITLINK = "160000"
_GONE = "000000"
_UNMERGED = "U"


class Answer(Protocol):
    """What git said."""

    @property
    def stdout(self) -> bytes: ...


class Git(Protocol):
    """git in the work tree's top folder; a command that fails raises ProviderError."""

    def read(self, *arguments: str, stdin: bytes | None = None) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """``clean`` maps a path to its record as in ``git ls-tree``; ``open_modes`` maps each other path to the
    mode that git knows, None where only the file itself can tell. Paths come sorted as bytes in ``clean``."""

    clean: Mapping[str, str]
    open_modes: Mapping[str, str | None]


def look(git: Git) -> Snapshot:
    """One look at the index and the folder. Git compares stat data, and content where that is too young to
    be trusted (racy entries), so what it does not list as changed has the content of its id."""
    clean: dict[str, str] = {}
    open_modes: dict[str, str | None] = {}
    for tag, mode, oid, stage, path in _entries(git):
        if tag == _TRACKED and stage == "0":
            clean[path] = f"{mode} {'commit' if mode == _GITLINK else 'blob'} {oid}\t{path}"
        else:
            open_modes[path] = None  # assumed unchanged, outside a sparse checkout, or in conflict
    for mode, status, path in _changes(git):
        if status != _UNMERGED:
            clean.pop(path, None)
            open_modes[path] = mode
    open_modes = {path: mode for path, mode in open_modes.items() if mode != _GONE}
    for path in _texts(git, "ls-files", "-z", "--others", "--exclude-standard", "--full-name"):
        open_modes[path] = _GITLINK if path.endswith("/") else None
    return Snapshot(clean, open_modes)


def _entries(git: Git) -> Iterator[tuple[str, str, str, str, str]]:
    for line in _texts(git, "ls-files", "-z", "-v", "--stage", "--full-name"):
        head, _, path = line.partition("\t")
        tag, mode, oid, stage = head.split(" ")
        yield tag, mode, oid, stage, path


def _changes(git: Git) -> Iterator[tuple[str, str, str]]:
    """New mode, status letter and path of what differs from the index."""
    texts = iter(
        _texts(git, "diff-files", "--raw", "-z", "--no-renames", "--ignore-submodules=all", "--no-ext-diff")
    )
    for head in texts:
        _, mode, _, _, status = head.split(" ")
        yield mode, status, next(texts)


def _texts(git: Git, *arguments: str) -> list[str]:
    return git.read(*arguments).stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]

"""The exact files of a build context: path, type, permission bits and content id, without reading a file.

A record is a line of ``git ls-tree`` with its path made relative to the context:
``<mode, six octal digits> blob <content id>\\t<path>``. So a commit's listing needs no translation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from specs.ignore import IgnoreRules
from specs.image_problem import ImageProblem

FILE, PROGRAM, LINK, GITLINK = "100644", "100755", "120000", "160000"
LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_MAX_POINTER = 1024
_OURS = re.compile(
    rb"""^(?:---[ \t]+)?(?:\{[ \t]*)?["']?apiVersion["']?[ \t]*:[ \t]*["']?reconciler/v[0-9]""", re.MULTILINE
)
_OURS_IN_FLOW = re.compile(rb"""[{,\s]["']?apiVersion["']?\s*:\s*["']?reconciler/v[0-9]""")


class ContextFile(Protocol):
    """What a manifest needs to know of a file: ``oid`` is the id that git gives to its content."""

    @property
    def path(self) -> str: ...
    @property
    def mode(self) -> int: ...
    @property
    def oid(self) -> str: ...


@runtime_checkable
class Recorded(Protocol):
    """A listing that has the records already, with paths from the repository's root."""

    @property
    def records(self) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class ManifestEntry:
    """One file: path from the context's folder, mode (0o644, 0o755, or 0o777 for a link), content id."""

    path: str
    mode: int
    link: bool
    oid: str

    @property
    def git_mode(self) -> int:
        """The mode as git has it."""
        return int(LINK, 8) if self.link else 0o100000 | self.mode


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files of a context, sorted by path as bytes."""

    folder: str
    """The context's folder from the repository's root; '.' is all."""
    records: tuple[str, ...]

    def entries(self) -> Iterable[ManifestEntry]:
        """The records, read."""
        for record in self.records:
            head, _, path = record.partition("\t")
            mode, _, oid = head.split(" ")
            link = mode == LINK
            yield ManifestEntry(path, 0o777 if link else int(mode[3:], 8), link, oid)

    @property
    def text(self) -> str:
        """All records, NUL between them: a name can hold any other character."""
        return "\0".join(self.records)


def records_of(files: Sequence[ContextFile]) -> Sequence[str]:
    """The records of a listing."""
    if isinstance(files, Recorded):
        return files.records
    return [f"{file.mode:06o} blob {file.oid}\t{file.path}" for file in files]


def make_manifest(
    records: Sequence[str], folder: str, rules: IgnoreRules, ours: frozenset[str] = frozenset()
) -> tuple[Manifest, list[ImageProblem]]:
    """The manifest of the context at ``folder`` and what is wrong in it.

    ``records`` are those below the folder, paths from the root, sorted. ``ours`` are paths from the root
    of documents of ours, which are never in a context (a promotion would rebuild everything).
    """
    if ours:
        records = [record for record in records if record[record.index("\t") + 1 :] not in ours]
    modes = {record[:6] for record in records}
    if modes - {FILE, PROGRAM, LINK}:  # submodules; old trees also have group-writable files
        records = [_normal(record) for record in records]
    relative = _kept(records, folder, rules)
    gitlinks = [record for record in relative if record.startswith(GITLINK)] if GITLINK in modes else []
    return Manifest(folder, tuple(relative)), [_gitlink(record, folder) for record in gitlinks]


def is_ours(content: bytes) -> bool:
    """Whether a YAML file carries our apiVersion: a line of its own, or anywhere in a flow mapping."""
    return bool(_OURS.search(content)) or (
        content.lstrip().startswith(b"{") and bool(_OURS_IN_FLOW.search(content))
    )


def is_pointer(content: bytes) -> bool:
    """Whether the content is a git-lfs pointer in place of a file."""
    return len(content) <= _MAX_POINTER and content.startswith(LFS_POINTER)


def _kept(records: Sequence[str], folder: str, rules: IgnoreRules) -> list[str]:
    """The records that the rules let stay, their paths from the folder."""
    if not records:
        return []
    at = records[0].index("\t") + 1  # ids of one repository have one length
    skip = at if folder == "." else at + len(folder) + 1
    paths = [record[skip:] for record in records]
    stays = rules.stays(paths)
    if False in stays:
        kept = zip(records, paths, stays, strict=True)
        return [record[:at] + path for record, path, stay in kept if stay]
    return [record[:at] + path for record, path in zip(records, paths, strict=True)]


def _normal(record: str) -> str:
    """The record with a mode that we know and a head as long as all others'."""
    head, _, path = record.partition("\t")
    mode, _, oid = head.split(" ")
    if mode not in (FILE, PROGRAM, LINK, GITLINK):
        mode = PROGRAM if int(mode, 8) & 0o100 else FILE
    return f"{mode} blob {oid}\t{path}"


def _path(record: str, folder: str) -> str:
    path = record.partition("\t")[2]
    return path if folder == "." else f"{folder}/{path}"


def _gitlink(record: str, folder: str) -> ImageProblem:
    return ImageProblem(
        _path(record, folder),
        None,
        "IMG009",
        "a submodule in a build context",
        "files of this repository",
        "exclude it in .dockerignore, or commit its files",
    )

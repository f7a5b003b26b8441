"""Files from git that a service gets: which entries a Config has, and the digest that names their volume.

Pure: contents stand as git's blob ids, or as digests of the content that a document itself holds.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from specs.resource import Config
from specs.service import FileMount, Service

CONTENT_FILE: Final = "content"
"""The name, in its volume, of the file of a Config with ``content``."""
_EXECUTABLE: Final = 0o100755
_FILE_MODES: Final = (0o100644, _EXECUTABLE)
_LINK: Final = 0o120000


@dataclass(frozen=True, slots=True, order=True)
class FilesKey:
    """A Config as one service mounts it: other modes or owners are other files."""

    config_name: str
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None


@dataclass(frozen=True, slots=True)
class ConfigDigest:
    """The digest (64 hex) of a Config's entries; ``file`` is the name of its only file, None for a folder."""

    digest: str
    file: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class FileLine:
    """One entry. ``content`` is a blob id or content digest, of a link's target for a ``link``."""

    path: str
    mode: int
    uid: int
    gid: int
    content: str
    link: bool = False
    source: str | None = None
    """The file in the commit; None for the document's own content. Not part of the digest."""


def files_key(use: FileMount) -> FilesKey:
    """The key of one use of a Config."""
    return FilesKey(
        use.source,
        use.mode,
        int(use.uid) if use.uid is not None else None,
        int(use.gid) if use.gid is not None else None,
    )


def files_keys(services: Iterable[Service]) -> tuple[FilesKey, ...]:
    """Every Config as it is used, each once, in order of name."""
    keys = {files_key(use) for service in services for use in service.configs.values()}
    return tuple(sorted(keys, key=repr))


def files_digest(lines: Iterable[FileLine]) -> str:
    """64 hex digits over path, mode, owner and content of every entry, whatever their order."""
    rows = sorted([line.path, line.mode, line.uid, line.gid, line.content, line.link] for line in lines)
    return hashlib.sha256(json.dumps(["files", 1, rows], separators=(",", ":")).encode()).hexdigest()


def lay_out(
    key: FilesKey, config: Config, listing: Sequence[tuple[str, int, str]]
) -> tuple[tuple[FileLine, ...], str | None]:
    """The entries of a Config, and the file's name when it is a single file.

    ``listing`` holds (path, git mode, blob id) of the commit's files at and below ``config.file``. Raises
    ValueError on a submodule, or when nothing is there.
    """
    if config.content is not None:
        digest = f"sha256:{hashlib.sha256(config.content.encode()).hexdigest()}"
        return (_line(key, CONTENT_FILE, 0o100644, digest, None),), CONTENT_FILE
    top = posixpath.normpath(config.file or ".")
    for path, mode, oid in listing:
        if path == top and mode in _FILE_MODES:
            name = posixpath.basename(path)
            return (_line(key, name, mode, oid, path),), name
    prefix = "" if top == "." else top + "/"
    below = [(path, mode, oid) for path, mode, oid in listing if path.startswith(prefix)]
    for path, mode, _ in below:
        if mode not in (*_FILE_MODES, _LINK):
            raise ValueError(f"{path} is a submodule: the files of a Config are files and links")
    if not below:
        raise ValueError(f"{top} is no file or folder of the commit")
    return tuple(_line(key, path[len(prefix) :], mode, oid, path) for path, mode, oid in below), None


def _line(key: FilesKey, path: str, git_mode: int, content: str, source: str | None) -> FileLine:
    default = 0o555 if git_mode == _EXECUTABLE else 0o444
    mode = default if key.mode is None else key.mode
    return FileLine(path, mode, key.uid or 0, key.gid or 0, content, git_mode == _LINK, source)

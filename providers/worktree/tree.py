"""The files of a working tree as a commit of them would be: tracked, and untracked but not ignored."""

from __future__ import annotations

import hashlib
import os
import stat
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from providers.worktree.index import Git, look
from reconciler.fault import ProviderError, Refused, Stale
from reconciler.repository import TreeFile
from specs import attributes
from specs.listing import Listing, batch_contents

_GITLINK = 0o160000


@dataclass(frozen=True)
class WorkTree:
    """Implements ``reconciler.provider.Tree``: one look at ``root``, the top folder of a work tree.

    ``git`` runs there. What it knows to be unchanged counts by its blob id, anything else by its bytes.
    """

    root: Path
    git: Git

    @property
    def commit(self) -> None:
        """The content is that of no commit."""
        return

    def files(self, folder: str) -> Listing[TreeFile]:
        """Every file below ``folder`` ('.' is all), sorted by path as bytes."""
        if folder == ".":
            return Listing(self._records, TreeFile)
        first, last = (
            f"{folder}/".encode("utf-8", "surrogateescape"),
            f"{folder}0".encode("utf-8", "surrogateescape"),
        )
        names = self._names
        found = slice(bisect_left(names, first), bisect_left(names, last))  # '0' follows '/'
        return Listing(self._records[found], TreeFile)

    def read(self, files: Sequence[TreeFile]) -> Mapping[str, bytes]:
        """Contents by path. What changed since the look raises Stale."""
        contents = {file.path: self._read_open(file) for file in files if file.path in self._open}
        stored = [file for file in files if file.path not in self._open and file.mode != _GITLINK]
        blobs = self._blobs([file.oid for file in stored])
        return contents | {file.path: blobs[file.oid] for file in stored}

    def sizes(self, files: Sequence[TreeFile]) -> Mapping[str, int]:
        """Bytes by path: of a file that git does not store by what lies there."""
        sizes: dict[str, int] = {}
        stored: dict[str, list[str]] = {}
        for file in files:
            if file.path in self._open:
                status = self._status(file.path)
                sizes[file.path] = status.st_size if status else 0
            elif file.mode != _GITLINK:
                stored.setdefault(file.oid, []).append(file.path)
        stdin = "".join(f"{oid}\n" for oid in stored).encode()
        check = "--batch-check=%(objectname) %(objectsize)"
        lines = self.git.read("cat-file", check, stdin=stdin).stdout.decode().splitlines() if stdin else []
        for oid, _, size in (line.partition(" ") for line in lines):
            # One that is absent is told where it is read.
            sizes |= {path: int(size) if size.isdigit() else 0 for path in stored[oid]}
        return sizes

    def special_paths(self, files: Sequence[TreeFile]) -> Sequence[str]:
        """Paths whose git attributes change their bytes on checkout."""
        listed = self.files(".")
        wanted = [
            listed[n]
            for n, record in enumerate(listed.records)
            if record.endswith((f"\t{attributes.FILE_NAME}", f"/{attributes.FILE_NAME}"))
        ]
        return attributes.special_paths(self.read(wanted), (file.path for file in files)) if wanted else ()

    @cached_property
    def _snapshot(self) -> tuple[Sequence[str], frozenset[str]]:
        """All records, sorted; the paths that are not in git's object store."""
        seen = look(self.git)
        records = dict(seen.clean)
        opened = set()
        for path, mode in seen.open_modes.items():
            if record := self._record(path, mode):
                records[path] = record
                opened.add(path)
        if not opened:
            return list(records.values()), frozenset()
        names = sorted(records, key=_bytes)
        return [records[name] for name in names], frozenset(opened)

    @property
    def _records(self) -> Sequence[str]:
        return self._snapshot[0]

    @property
    def _open(self) -> frozenset[str]:
        return self._snapshot[1]

    @cached_property
    def _names(self) -> list[bytes]:
        return [_bytes(record.partition("\t")[2]) for record in self._records]

    @cached_property
    def _algorithm(self) -> str:
        return self.git.read("rev-parse", "--show-object-format").stdout.decode().strip()

    def _record(self, path: str, mode: str | None) -> str | None:
        """The record of a file from its own bytes; None where there is no file."""
        if mode == "160000":
            unknown = "0" * len(self._blob_id(b""))
            return f"160000 commit {unknown}\t{path.rstrip('/')}"
        status = self._status(path)
        if status is None:
            return None
        if mode is None or stat.S_ISLNK(status.st_mode) != (mode == "120000"):
            program = status.st_mode & 0o100
            mode = "120000" if stat.S_ISLNK(status.st_mode) else "100755" if program else "100644"
        return f"{mode} blob {self._blob_id(self._content(path, status))}\t{path}"

    def _status(self, path: str) -> os.stat_result | None:
        """Of a file or link that lies inside the work tree without a link on the way."""
        full = self.root / path
        try:
            status = full.lstat()
            inside = os.path.realpath(full.parent) == os.path.normpath(
                os.path.realpath(self.root) + "/" + os.path.dirname(path)
            )
        except (FileNotFoundError, NotADirectoryError):
            return None
        is_file = stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode)
        return status if is_file and inside else None

    def _content(self, path: str, status: os.stat_result) -> bytes:
        full = os.fsencode(self.root / path)
        try:
            if stat.S_ISLNK(status.st_mode):
                return os.readlink(full)
            with open(os.open(full, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
                return file.read()
        except OSError as error:
            raise _unread(path, error) from error

    def _read_open(self, file: TreeFile) -> bytes:
        status = self._status(file.path)
        content = self._content(file.path, status) if status else b""
        if status is None or self._blob_id(content) != file.oid:
            raise Stale("WRK002", file.path, "changed while it was read", "a file at rest", "look again")
        return content

    def _blob_id(self, content: bytes) -> str:
        digest = hashlib.new(self._algorithm, b"blob %d\0" % len(content), usedforsecurity=False)
        digest.update(content)
        return digest.hexdigest()

    def _blobs(self, oids: Sequence[str]) -> Mapping[str, bytes]:
        """Contents by blob id, from one ``cat-file --batch``."""
        blobs: dict[str, bytes] = {}
        stdin = "".join(f"{oid}\n" for oid in dict.fromkeys(oids)).encode()
        output = self.git.read("cat-file", "--batch", stdin=stdin).stdout if stdin else b""
        for oid, content in batch_contents(output):
            if content is None:
                seen = f"object {oid} is not in the clone"
                raise Refused(
                    "WRK003", str(self.root), seen, "a clone with its objects", "git fetch --refetch"
                )
            blobs[oid] = content
        return blobs


def _bytes(path: str) -> bytes:
    return path.encode("utf-8", "surrogateescape")


def _unread(path: str, error: OSError) -> ProviderError:
    return ProviderError(
        "WRK001", path, f"cannot be read ({error.strerror})", "a readable file", f"chmod u+r {path}"
    )

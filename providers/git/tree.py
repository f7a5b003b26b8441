"""The files of one commit, read from git's object store: no checkout."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from providers.git.command import GitCommand
from reconciler.fault import ProviderError, Refused
from reconciler.repository import TreeFile
from specs import attributes
from specs.listing import Listing, batch_contents

_GITLINK = 0o160000


@dataclass(slots=True)
class GitTree:
    """Implements ``reconciler.provider.Tree``."""

    git: GitCommand
    commit: str | None
    _attributes: dict[str, str | bytes] = field(default_factory=dict, repr=False)
    """Path of each attribute file seen -> its content, or its blob id while that is not read yet."""

    def files(self, folder: str) -> Listing[TreeFile]:
        """Every file below ``folder`` ('.' is all), sorted by path as bytes."""
        if self.commit is None:
            return Listing((), TreeFile)
        parents = [f"{parent}{attributes.FILE_NAME}" for parent in _parents(folder)]
        wanted = [] if folder == "." else ["--", *parents, f"{folder}/"]
        answer = self.git.read("ls-tree", "-r", "-z", "--full-tree", "--end-of-options", self.commit, *wanted)
        text = answer.stdout.decode("utf-8", "surrogateescape")
        records = text.split("\0")[:-1]
        if attributes.FILE_NAME in text:
            self._note_attributes(records)
            records = [record for record in records if record.partition("\t")[2] not in parents]
        return Listing(records, TreeFile)

    def read(self, files: Sequence[TreeFile]) -> Mapping[str, bytes]:
        """Contents by path, in one batch. Attribute files that were seen come along."""
        pending = {path: oid for path, oid in self._attributes.items() if isinstance(oid, str)}
        oids = [file.oid for file in files if file.mode != _GITLINK]
        contents = read_blobs(self.git, [*oids, *pending.values()])
        self._attributes.update((path, contents[oid]) for path, oid in pending.items())
        return {file.path: contents[file.oid] for file in files if file.mode != _GITLINK}

    def sizes(self, files: Sequence[TreeFile]) -> Mapping[str, int]:
        """Bytes by path, from one ``cat-file --batch-check``."""
        wanted = [file for file in files if file.mode != _GITLINK]
        found = blob_sizes(self.git, [file.oid for file in wanted])
        return {file.path: found[file.oid] for file in wanted}

    def special_paths(self, files: Sequence[TreeFile]) -> Sequence[str]:
        """Paths whose git attributes change their bytes on checkout."""
        if not self._attributes:
            return ()
        if any(isinstance(oid, str) for oid in self._attributes.values()):
            self.read(())
        read = {path: content for path, content in self._attributes.items() if isinstance(content, bytes)}
        return attributes.special_paths(read, (file.path for file in files))

    def _note_attributes(self, records: Sequence[str]) -> None:
        for record in records:
            head, _, path = record.partition("\t")
            if posixpath.basename(path) == attributes.FILE_NAME:
                self._attributes.setdefault(path, head.split(" ")[2])


def read_blobs(git: GitCommand, oids: Sequence[str]) -> Mapping[str, bytes]:
    """Contents by blob id, from one ``cat-file --batch``. Raises ProviderError for one that is absent."""
    wanted = list(dict.fromkeys(oids))
    if not wanted:
        return {}
    answer = git.read("cat-file", "--batch", stdin="".join(f"{oid}\n" for oid in wanted).encode())
    contents: dict[str, bytes] = {}
    for oid, content in batch_contents(answer.stdout):
        if content is None:
            raise _absent(git, oid)
        contents[oid] = content
    return contents


def blob_sizes(git: GitCommand, oids: Sequence[str]) -> Mapping[str, int]:
    """Bytes by blob id. Raises ProviderError for one that is absent."""
    wanted = list(dict.fromkeys(oids))
    if not wanted:
        return {}
    check = "--batch-check=%(objectname) %(objectsize)"
    answer = git.read("cat-file", check, stdin="".join(f"{oid}\n" for oid in wanted).encode())
    sizes: dict[str, int] = {}
    for line in answer.text.splitlines():
        oid, _, size = line.partition(" ")
        if not size.isdigit():
            raise _absent(git, oid)
        sizes[oid] = int(size)
    return sizes


def _absent(git: GitCommand, oid: str) -> ProviderError:
    """The error for an object that the clone does not hold (a partial or damaged clone)."""
    return Refused(
        "GIT006",
        f"{git.folder}",
        f"object {oid} is not in the clone",
        "a clone with its objects",
        "git fetch --refetch --no-filter, or clone again without a filter",
    )


def _parents(folder: str) -> list[str]:
    """'', 'a/', 'a/b/' for 'a/b/c'; nothing for the root."""
    if folder == ".":
        return []
    names = folder.split("/")
    return ["".join(f"{name}/" for name in names[:n]) for n in range(len(names))]

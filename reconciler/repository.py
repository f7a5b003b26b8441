"""The protocols of a git repository and its trees; ``reconciler.provider`` passes them on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class Kinship(Enum):
    """How a commit is related to the desired one (design, section 4: lineage)."""

    SAME = "same"
    ANCESTOR = "ancestor"
    DESCENDANT = "descendant"
    UNRELATED = "unrelated"
    CANNOT_TELL = "cannot_tell"


TAGS = "refs/tags/"


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag by its name below ``refs/tags/``: the object that it names, and the commit behind that."""

    name: str
    oid: str
    commit: str

    @property
    def ref(self) -> str:
        """The full path, which no branch can have."""
        return f"{TAGS}{self.name}"


@dataclass(frozen=True, slots=True)
class TreeFile:
    """One file of a tree: its path from the repository's root, git mode and blob id.

    ``mode`` is git's octal mode as an integer: 0o100644, 0o100755, 0o120000 (link), 0o160000 (gitlink).
    ``oid`` is the id that git gives to the content, whether or not git has stored it.
    """

    path: str
    mode: int
    oid: str


class Tree(Protocol):
    """The files of one commit, or of a working tree. Blocking: call it off the event loop."""

    @property
    def commit(self) -> str | None:
        """Full commit id; None where the content is that of no commit."""
        ...

    def files(self, folder: str) -> Sequence[TreeFile]:
        """Every file below ``folder`` ('.' is all), sorted by path as bytes. Raises ProviderError."""
        ...

    def read(self, files: Sequence[TreeFile]) -> Mapping[str, bytes]:
        """Contents by path, in one batch. Raises ProviderError."""
        ...

    def sizes(self, files: Sequence[TreeFile]) -> Mapping[str, int]:
        """Bytes by path, without reading them: a small commit can hold a very large file."""
        ...

    def special_paths(self, files: Sequence[TreeFile]) -> Sequence[str]:
        """Paths whose git attributes change their bytes (eol, ident, filter) on checkout."""
        ...


class Repository(Protocol):
    """A git repository. Blocking: call it off the event loop. All methods raise ProviderError."""

    def resolve(self, ref: str) -> str:
        """The full commit id of a branch, tag or id."""
        ...

    def tags(self) -> Mapping[str, Tag]:
        """Every tag that stands for a commit, by name; annotated ones are peeled."""
        ...

    def tree(self, commit: str) -> Tree: ...

    def lineage(self, commit: str, others: Sequence[str]) -> Mapping[str, Kinship]:
        """Each of ``others`` as related to ``commit``."""
        ...

    def is_in_history(self, tip: str, commit: str) -> bool | None:
        """Whether a commit lies in the history of ``tip``, or of a tag; None where the clone cannot
        tell: it is cut off, or lacks the commit."""
        ...

    def has_patches(self, commit: str, other: str) -> bool | None:
        """Whether ``commit`` has the change of each commit that only ``other`` has, as a commit of its own;
        None where there is none to compare, or the clone cannot tell."""
        ...

    def merge_base(self, one: str, other: str) -> str | None:
        """The merge base; None when there is none. A shallow clone that cannot tell raises ProviderError."""
        ...

    def origin(self) -> Origin:
        """Where this repository comes from, for the label ``reconciler.source``."""
        ...

    def uncommitted(self, folders: Sequence[str]) -> Sequence[str]:
        """Changed or new files below the folders that are not in HEAD."""
        ...


@dataclass(frozen=True, slots=True)
class Origin:
    """The remote's normalised ``host/path`` and the first commit, each None where unknown."""

    remote: str | None
    first_commit: str | None

"""The protocols that providers implement, and the errors that they raise.

All that a provider's author reads: it re-exports what a provider needs of ``specs`` and ``state``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from specs.reference import Digest, ImageRef

__all__ = ["Digest", "ImageRef", "LogLine", "Missing", "ProviderError", "Refused", "Stale"]

LogLine = Callable[[str], None]
"""Receives one line of build or container output, without its line end."""


@dataclass(eq=False)
class ProviderError(Exception):
    """A provider could not do or read something; trying again later may work.

    ``seen``, ``expected`` and ``remedy`` are the parts of every message of ours; ``code`` is stable;
    ``log`` holds the last lines of output of what failed. None of them ever contains a secret.
    """

    code: str
    where: str
    seen: str
    expected: str = ""
    remedy: str = ""
    log: Sequence[str] = field(default_factory=tuple)
    retry_after: float | None = None
    """Seconds after which the other side asked to be tried again."""

    def __str__(self) -> str:
        parts = [f"{self.where}: {self.seen}"]
        parts += [f"expected {self.expected}"] if self.expected else []
        parts += [self.remedy] if self.remedy else []
        return "; ".join(parts) + f"  [{self.code}]"


class Stale(ProviderError):
    """The world moved under the action: observe again now."""


class Refused(ProviderError):
    """No use trying until the spec or the world changes (a bad login, a failing Dockerfile)."""


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

    def files(self, folder: str) -> Sequence[TreeFile]:
        """Every file below ``folder`` ('.' is all), sorted by path as bytes. Raises ProviderError."""

    def read(self, files: Sequence[TreeFile]) -> Mapping[str, bytes]:
        """Contents by path, in one batch. Raises ProviderError."""

    def special_paths(self, files: Sequence[TreeFile]) -> Sequence[str]:
        """Paths whose git attributes change their bytes (eol, ident, filter) on checkout."""


class Kinship(Enum):
    """How a commit is related to the desired one (design, section 4: lineage)."""

    SAME = "same"
    ANCESTOR = "ancestor"
    DESCENDANT = "descendant"
    UNRELATED = "unrelated"
    CANNOT_TELL = "cannot_tell"


class Repository(Protocol):
    """A git repository. Blocking: call it off the event loop. All methods raise ProviderError."""

    def resolve(self, ref: str) -> str:
        """The full commit id of a branch, tag or id."""

    def tree(self, commit: str) -> Tree: ...

    def lineage(self, commit: str, others: Sequence[str]) -> Mapping[str, Kinship]:
        """Each of ``others`` as related to ``commit``."""

    def merge_base(self, one: str, other: str) -> str | None:
        """The merge base; None when there is none. A shallow clone that cannot tell raises ProviderError."""

    def origin(self) -> Origin:
        """Where this repository comes from, for the label ``reconciler.source``."""

    def uncommitted(self, folders: Sequence[str]) -> Sequence[str]:
        """Changed or new files below the folders that are not in HEAD."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The remote's normalised ``host/path`` and the first commit, each None where unknown."""

    remote: str | None
    first_commit: str | None


@dataclass(frozen=True, slots=True)
class BuildRequest:
    """One image to build and push. ``dockerfile`` has its bases written as digests already;
    ``context`` yields the bytes of an uncompressed tar with exactly the files of the manifest."""

    key: str
    push: ImageRef
    dockerfile: bytes
    context: Callable[[], Iterator[bytes]]
    target: str | None
    args: Mapping[str, str]
    platforms: Sequence[str]
    contexts: Mapping[str, ImageRef]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Secret values by id; given to the builder by environment or file, never on a command line."""


class Builder(Protocol):
    """Builds an image and pushes it."""

    async def build(self, request: BuildRequest, log: LogLine) -> Digest:
        """The digest that was pushed. Raises Refused for a failing Dockerfile, with the failing step
        and its last lines in ``log``; ProviderError where trying again may work."""


@dataclass(frozen=True, slots=True)
class Login:
    """A registry login; ``password`` is a secret and never printed."""

    username: str
    password: str = field(repr=False)


class Registry(Protocol):
    """One registry host. All methods raise ProviderError; a 404 is an answer, not an error."""

    async def ping(self) -> None:
        """The host speaks the distribution API and accepts the login."""

    async def digest(self, ref: ImageRef) -> Digest | None:
        """The digest that a tag names, or the digest itself when it exists; None when absent."""

    async def put_inputs(self, ref: ImageRef, document: bytes) -> None:
        """Push the input document as a small OCI artifact under the tag of ``ref``."""

    async def inputs(self, ref: ImageRef) -> bytes | None:
        """The input document under the tag of ``ref``; None when absent."""

    async def tag(self, ref: ImageRef, tag: str) -> None:
        """Give the manifest that ``ref`` names by digest another tag, byte for byte."""

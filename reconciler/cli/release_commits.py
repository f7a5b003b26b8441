"""Commits that a loop has signed: they count where they change Releases and the lock, and nothing else, on a
commit that counts (contracts, section 9)."""

from __future__ import annotations

import posixpath
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from specs.check_release import release_path
from specs.load import SpecFile, load
from specs.lock import LOCK_FILE
from specs.yaml_tree import MAX_FILE

if TYPE_CHECKING:
    from providers.git.repository import GitRepository
    from providers.git.signatures import Verifier

_PLAIN: Final = "100644"
_MOST: Final = 200
"""Commits of a branch for review that are looked at."""


@dataclass(frozen=True, slots=True)
class ReleaseKeys:
    """Keys of ssh that count for Releases and the lock alone: of a file, and the one that this loop signs
    with. Raises Refused (POL021) where they cannot be read."""

    file: Path | None
    signing_key: Path | None

    @property
    def is_any(self) -> bool:
        """There is one."""
        return self.file is not None or self.signing_key is not None

    def public(self) -> frozenset[str]:
        """As base64: for nothing else may they count."""
        from providers.git.signers import public_key, public_keys

        found = public_keys(self.file) if self.file is not None else frozenset()
        own = {public_key(self.signing_key).split()[1]} if self.signing_key is not None else set()
        return found | own

    @contextmanager
    def open_verifier(self, repository: GitRepository) -> Iterator[Verifier]:
        """A verifier of these keys while the context lasts."""
        from providers.git.signatures import Keys, open_verifier
        from providers.git.signers import public_key

        with tempfile.TemporaryDirectory(prefix="reconciler-signers-") as folder:
            signers = Path(folder) / "signers"
            theirs = self.file.read_bytes() if self.file is not None else b""
            own = b""
            if self.signing_key is not None:
                own = f'\nloop namespaces="git" {public_key(self.signing_key)}\n'.encode()
            signers.write_bytes(theirs + own)
            with open_verifier(repository.git, Keys(signers)) as verifier:
                yield verifier


@dataclass(frozen=True, slots=True)
class ReleaseCommits:
    """Which commits count by the signature of a loop. ``path``: the spec folder."""

    repository: GitRepository
    verifier: Verifier
    path: str
    _known: dict[str, bool] = field(default_factory=dict)

    def counts(self, commit: str) -> bool:
        """Whether it is signed so, and changes nothing else. Raises ProviderError."""
        if commit not in self._known:
            self._known[commit] = False  # of what would be asked again while this is found out
            self._known[commit] = self.verifier.verifies(commit) and self._is_small(commit)
        return self._known[commit]

    def _is_small(self, commit: str) -> bool:
        """It says what one of its parents says but for Releases and the lock; the other parents, if any,
        bring only such commits. So none takes back what somebody else has written."""
        line = self.repository.git.read("rev-list", "--parents", "--max-count=1", commit).text
        parents = line.split()[1:]
        return any(
            self._changes_releases(parent, commit) and self._brings_releases(parent, parents)
            for parent in parents
        )

    def _brings_releases(self, parent: str, parents: Sequence[str]) -> bool:
        others = [other for other in parents if other != parent]
        if not others:
            return True
        line = ("rev-list", f"--max-count={_MOST + 1}", *others, f"^{parent}")
        brought = self.repository.git.read(*line).text.split()
        return len(brought) <= _MOST and all(self.counts(commit) for commit in reversed(brought))

    def _changes_releases(self, parent: str, commit: str) -> bool:
        git = self.repository.git
        line = ("diff-tree", "-r", "-z", "--raw", "--no-renames", parent, commit)
        fields = git.read(*line).text.split("\0")[:-1]
        return all(
            self._is_release(head.split(" "), path)
            for head, path in zip(fields[::2], fields[1::2], strict=True)
        )

    def _is_release(self, head: Sequence[str], path: str) -> bool:
        """A plain file in its place that holds one Release, or the lock. ``head``: the modes before and
        after, the ids before and after, and what became of it."""
        blob = head[3]
        if head[1] != _PLAIN or head[0] not in (f":{_PLAIN}", ":000000"):
            return False
        size = self.repository.git.read("cat-file", "-s", blob).text
        if int(size) > MAX_FILE:
            return False
        content = self.repository.git.read("cat-file", "blob", blob).stdout
        documents, _ = load([SpecFile(path, content)], path=self.path)
        keys = list(documents.documents)
        if len(keys) != 1:
            return False
        kind, name = keys[0]
        return path == (release_path(self.path, name) if kind == "Release" else self._lock(kind))

    def _lock(self, kind: str) -> str | None:
        return posixpath.normpath(posixpath.join(self.path, LOCK_FILE)) if kind == "Lock" else None

"""One clone, local or fetched into a cache: refs, history and trees, without a work tree."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from providers.git.ancestry import merge_bases, unshallow
from providers.git.command import GitCommand
from providers.git.ref import is_full_id, ref_paths
from providers.git.tags import list_tags
from providers.git.tree import GitTree
from providers.git.url import normal_url
from reconciler.fault import ProviderError, Refused
from reconciler.repository import Kinship, Origin, Tag

_ABBREVIATED = re.compile(r"[0-9a-f]{7,39}")


@dataclass(frozen=True)
class GitRepository:
    """Implements ``reconciler.provider.Repository`` for the clone that holds ``path`` (bare ones too)."""

    path: Path
    quarantine: tuple[tuple[str, str], ...] = ()
    """As in ``GitCommand``."""

    @cached_property
    def git(self) -> GitCommand:
        """git in this repository. Raises Refused for a path that is none, or another user's."""
        if not self.path.is_dir():
            raise Refused("GIT002", str(self.path), "no such folder", "a git repository", "correct --repo")
        git = GitCommand(self.path, quarantine=self.quarantine)
        answer = git.ask("rev-parse", "--git-dir")
        if answer.status and "dubious ownership" in answer.stderr and _is_trusted(self.path):
            git = GitCommand(self.path, trusted="*", quarantine=self.quarantine)
            answer = git.ask("rev-parse", "--git-dir")
        if answer.status:
            raise git.failure("rev-parse", answer)
        return git

    def resolve(self, ref: str) -> str:
        """The full commit id of a branch, a tag, ``HEAD`` or a full id."""
        if is_full_id(ref):
            return self._commit(ref, ref)
        if ref == "HEAD":
            return self._commit("HEAD", ref)
        paths = ref_paths(ref)
        listed = self.git.read("for-each-ref", "--format=%(refname)", *paths).text.splitlines()
        found = [path for path in paths if path in listed]
        if not found:
            raise self._unknown(ref)
        if f"refs/tags/{ref}" in found and len(found) > 1:
            raise Refused(
                "GIT009",
                f"git ref {ref}",
                "both " + " and ".join(found),
                "one meaning",
                f"write the full path, for example {found[0]}",
            )
        return self._commit(found[0], ref)

    def find_commit(self, text: str) -> str:
        """As ``resolve``, for a person: the beginning of an id will do, at least seven digits of it."""
        if not _ABBREVIATED.fullmatch(text):
            return self.resolve(text)
        listed = self.git.read("rev-parse", f"--disambiguate={text}").text.splitlines()
        found = sorted(self._present(listed))
        if len(found) != 1:
            raise self._unknown(text)
        return found[0]

    def tags(self) -> Mapping[str, Tag]:
        """Every tag that stands for a commit, by name; annotated ones are peeled."""
        return list_tags(self.git)

    def tree(self, commit: str) -> GitTree:
        """The files of a commit, by its full id."""
        if not is_full_id(commit):
            raise Refused(
                "GIT010", "git commit", f"{commit[:80]!r} is no full id", "40 or 64 digits", "resolve it"
            )
        return GitTree(self.git, commit)

    def lineage(self, commit: str, others: Sequence[str]) -> Mapping[str, Kinship]:
        """Each of ``others`` as related to ``commit``. What is not in the clone cannot be told."""
        known = self._present([commit, *others])
        if commit not in known:
            return dict.fromkeys(others, Kinship.CANNOT_TELL)
        return {
            other: self._kinship(commit, other) if other in known else Kinship.CANNOT_TELL for other in others
        }

    def is_in_history(self, tip: str, commit: str) -> bool | None:
        """Whether a commit lies in the history of ``tip``, or of a tag."""
        kinship = self.lineage(tip, [commit])[commit]
        if kinship in (Kinship.SAME, Kinship.ANCESTOR):
            return True
        tagged = self.git.ask("for-each-ref", "--count=1", f"--contains={commit}", "refs/tags/")
        if tagged.status == 0 and tagged.text:
            return True
        return None if kinship is Kinship.CANNOT_TELL else False

    def has_patches(self, commit: str, other: str) -> bool | None:
        """Whether ``commit`` has the change of each commit that only ``other`` has, as a commit of its own;
        None where there is none to compare, or the clone cannot tell."""
        if not {commit, other} <= self._present([commit, other]):
            return None
        # "-" stands before those whose change the other side has as a commit of its own.
        answer = self.git.ask("cherry", commit, other)
        lines = answer.text.splitlines() if answer.status == 0 else []
        return all(line.startswith("- ") for line in lines) if lines else None

    def merge_base(self, one: str, other: str) -> str | None:
        """The best merge base; None when there is none. Raises ProviderError where the clone cannot tell."""
        missing = [commit for commit in (one, other) if commit not in self._present([one, other])]
        if missing:
            raise self._cannot_tell(f"commit {missing[0][:80]} is not in the clone", "git fetch origin")
        return next(iter(merge_bases(self.git, one, other)), None)

    def merge_bases(self, one: str, other: str) -> Sequence[str]:
        """All best merge bases of two commits of this clone. Raises ProviderError where it cannot tell."""
        return merge_bases(self.git, one, other)

    def parent(self, commit: str) -> str | None:
        """The first parent; None where there is none, or a shallow clone leaves it out."""
        answer = self.git.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^1")
        return answer.text if answer.status == 0 and is_full_id(answer.text) else None

    def fetch_command(self, ref: str) -> str:
        """What to type for a ref or commit that this clone lacks, with the history that decides."""
        if is_full_id(ref):
            return unshallow(self.git, ref)
        if ref.startswith("refs/tags/"):
            return unshallow(self.git, f"+{ref}:{ref}")
        branch = ref.removeprefix("refs/heads/").removeprefix("refs/remotes/").removeprefix("origin/")
        return unshallow(self.git, f"+refs/heads/{branch}:refs/remotes/origin/{branch}")

    def origin(self) -> Origin:
        """The remote (``origin``, else the only one) and the first commit on HEAD's first-parent line."""
        url = self.remote_url()
        remote = normal_url(url) if url else None
        if self.is_shallow:
            return Origin(remote, None)
        first = self.git.ask("rev-list", "--first-parent", "--max-parents=0", "HEAD")
        return Origin(remote, first.text if first.status == 0 and is_full_id(first.text) else None)

    def remote_url(self) -> str | None:
        """The URL of the remote (``origin``, else the only one) as the clone has it."""
        listed = self.git.ask("config", "--null", "--get-regexp", r"^remote\..*\.url$")
        urls = dict(item.split("\n", 1) for item in listed.text.split("\0") if "\n" in item)
        return urls.get("remote.origin.url") or (next(iter(urls.values())) if len(urls) == 1 else None)

    def default_branch(self) -> str | None:
        """The remote's default branch as this clone knows it; None without one. Of a bare clone: HEAD."""
        for ref, namespace in (("refs/remotes/origin/HEAD", "refs/remotes/origin/"), ("HEAD", "refs/heads/")):
            if ref == "HEAD" and self.root is not None:
                break
            answer = self.git.ask("symbolic-ref", "--quiet", ref)
            if answer.status == 0 and answer.text.startswith(namespace):
                return answer.text.removeprefix(namespace)
        return None

    def uncommitted(self, folders: Sequence[str]) -> Sequence[str]:
        """Changed or new files below the folders that are not in HEAD, sorted; nothing for a bare clone."""
        if self.root is None or not folders:
            return ()
        git = GitCommand(self.root, trusted=self.git.trusted)
        options = (
            "--porcelain=v1",
            "-z",
            "--untracked-files=all",
            "--no-renames",
            "--ignore-submodules=dirty",
        )
        listed = git.read("status", *options, "--", *folders).text.split("\0")
        return sorted(os.path.normpath(entry[3:]) for entry in listed if entry)

    @cached_property
    def root(self) -> Path | None:
        """The work tree's top folder; None for a bare clone."""
        answer = self.git.ask("rev-parse", "--show-toplevel")
        return Path(answer.text) if answer.status == 0 else None

    @property
    def is_shallow(self) -> bool:
        """History is cut off."""
        return self.git.read("rev-parse", "--is-shallow-repository").text == "true"

    def _commit(self, revision: str, ref: str) -> str:
        answer = self.git.ask(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
        )
        found = answer.text.splitlines()[-1:]
        if answer.status or not found or not is_full_id(found[0]):
            raise self._unknown(ref)
        return found[0]

    def _unknown(self, ref: str) -> ProviderError:
        if not self.git.read("for-each-ref", "--count=1").text and self.git.ask("rev-parse", "HEAD^0").status:
            return Refused(
                "GIT008",
                str(self.path),
                "a repository without a commit",
                "at least one commit",
                "git add -A && git commit -m 'First specs'",
            )
        return Refused(
            "GIT011",
            f"{self.path}",
            f"no branch, tag or commit {ref}",
            "a ref of this clone",
            f"git fetch origin {ref}",
        )

    def _present(self, commits: Sequence[str]) -> frozenset[str]:
        """Those of the full ids that are commits in this clone."""
        asked = [commit for commit in dict.fromkeys(commits) if is_full_id(commit)]
        stdin = "".join(f"{commit}\n" for commit in asked).encode()
        lines = self.git.read("cat-file", "--batch-check", stdin=stdin).text.splitlines()
        return frozenset(commit for commit, line in zip(asked, lines, strict=True) if " commit " in line)

    def _kinship(self, commit: str, other: str) -> Kinship:
        if other == commit:
            return Kinship.SAME
        if self._is_ancestor(other, commit):
            return Kinship.ANCESTOR
        if self._is_ancestor(commit, other):
            return Kinship.DESCENDANT
        return Kinship.CANNOT_TELL if self.is_shallow else Kinship.UNRELATED

    def _is_ancestor(self, one: str, other: str) -> bool:
        answer = self.git.ask("merge-base", "--is-ancestor", "--end-of-options", one, other)
        if answer.status not in (0, 1):
            raise self.git.failure("merge-base", answer)
        return answer.status == 0

    def _cannot_tell(self, seen: str, remedy: str) -> ProviderError:
        return ProviderError("GIT007", str(self.path), seen, "the history that decides", remedy)


def _is_trusted(path: Path) -> bool:
    """Whether the user's own configuration names the repository in ``safe.directory``."""
    listed = GitCommand(Path("/")).user_setting("safe.directory")
    folders = {str(folder) for folder in (path.resolve(), *path.resolve().parents)}
    return any(value == "*" or value.rstrip("/") in folders for value in listed)

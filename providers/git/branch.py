"""One commit on a branch, made without a work tree and pushed, as the person who asks for it would.

What else reads and fetches begins from an environment of its own; this uses the person's: name, login and
signing key. It never forces, and runs no hook.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass, replace
from typing import Literal

from providers.git.command import Answer, GitCommand
from providers.git.personal import PersonalGit
from providers.git.ref import is_full_id
from providers.git.repository import GitRepository
from reconciler.fault import Refused

_TIMEOUT = 120.0
_RACE = re.compile(r"cannot lock ref|failed to update ref|incorrect old value|already exists|stale info")
_NOBODY = re.compile(r"identity unknown|empty ident|tell me who you are|auto-detect email|useConfigOnly")
_REASON = re.compile(r"\((.*)\)\s*$")
HEADS = "refs/heads/"
PUSH = ("push", "--porcelain", "--no-follow-tags", "--recurse-submodules=no")


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of a push: done; moved, somebody else was faster; refused, with the reason."""

    result: Literal["done", "moved", "refused"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch of a clone, and of its remote where there is one: then that one's tip counts."""

    repository: GitRepository
    name: str
    remote: str | None

    @property
    def ref(self) -> str:
        """Its full path."""
        return f"{HEADS}{self.name}"

    @property
    def _git(self) -> GitCommand:
        return PersonalGit(self.repository.root or self.repository.path)

    @property
    def _seen(self) -> str:
        """Where this clone keeps what it last saw of it."""
        is_mirror = self.remote is None or self.repository.root is None
        return self.ref if is_mirror else f"refs/remotes/{self.remote}/{self.name}"

    def tip(self) -> str:
        """Its commit now, fetched from the remote where there is one. Raises ProviderError."""
        if self.remote is not None:
            line = ("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", self.remote)
            self._git.read(*line, f"+{self.ref}:{self._seen}", timeout=_TIMEOUT)
        return self.repository.resolve(self._seen)

    def last_seen(self) -> str:
        """Its commit as this clone last saw it. Raises ProviderError."""
        return self.repository.resolve(self._seen)

    def beside(self, name: str) -> Branch:
        """Another branch in the same place."""
        return replace(self, name=name)

    def find(self) -> str | None:
        """Its commit now; None where there is no such branch. Raises ProviderError."""
        if self.remote is None:
            return self._git.ask("rev-parse", "--verify", "--quiet", f"{self.ref}^{{commit}}").text or None
        answer = self._git.ask("ls-remote", self.remote, self.ref, timeout=_TIMEOUT)
        if answer.status:
            raise self._git.failure("ls-remote", answer)
        return self.tip() if answer.text else None

    def is_known_there(self, commit: str, tip: str) -> bool:
        """Whether the remote has the commit for good: in the history of ``tip``, which it has, or of a tag.
        Raises ProviderError."""
        if self.remote is None or not self._git.ask("merge-base", "--is-ancestor", commit, tip).status:
            return True
        line = ("for-each-ref", "--format=%(objectname)\t%(refname)", f"--contains={commit}", "refs/tags/")
        mine = self._git.read(*line).text.splitlines()
        theirs = self._git.read("ls-remote", "--tags", self.remote, timeout=_TIMEOUT).text.splitlines()
        return bool(set(mine) & set(theirs))

    def text_after(self, commit: str, tip: str, path: str) -> str | None:
        """What a file says in a commit that contains ``tip``; None where it does not, or has no such file.
        Raises ProviderError."""
        if self._git.ask("merge-base", "--is-ancestor", tip, commit).status:
            return None
        answer = self._git.ask("cat-file", "blob", f"{commit}:{path}")
        return None if answer.status else answer.text

    def between(self, one: str, other: str, most: int) -> list[tuple[str, str]]:
        """Id and subject of the commits that ``other`` has and ``one`` has not, newest first; none where this
        clone lacks one of the two."""
        line = ("log", "--format=%H %s", f"--max-count={most}", f"{one}..{other}", "--")
        answer = self._git.ask(*line)
        rows = [] if answer.status else answer.text.splitlines()
        return [(commit, subject) for commit, _, subject in (row.partition(" ") for row in rows)]

    def write(self, tip: str, path: str, text: str, message: str, also: str | None = None) -> str:
        """A commit on ``tip`` in which this file says this; no ref names it yet. ``also``: another parent,
        before it, of which nothing is taken. Raises ProviderError, Refused where git does not know who the
        person is."""
        git = self._git
        blob = git.read("hash-object", "-w", "--stdin", stdin=text.encode()).text
        with tempfile.TemporaryDirectory(prefix="reconciler-index-") as folder:
            own = replace(git, quarantine=(*git.quarantine, ("GIT_INDEX_FILE", f"{folder}/index")))
            own.read("read-tree", tip)
            own.read("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
            tree = own.read("write-tree").text
        signs = git.ask("config", "--type=bool", "--get", "commit.gpgSign").text == "true"
        parents = [word for parent in (also, tip) if parent for word in ("-p", parent)]
        line = ("commit-tree", *(("-S",) if signs else ()), *parents, "-F", "-", tree)
        answer = git.ask(*line, stdin=message.encode(), timeout=_TIMEOUT)
        if answer.status and _NOBODY.search(answer.stderr):
            remedy = "git config --global user.name NAME, and user.email"
            raise Refused("GIT017", "git", "it does not know who you are", "a name and an address", remedy)
        if answer.status or not is_full_id(answer.text):
            raise git.failure("commit-tree", answer)
        return answer.text

    def push(self, commit: str, tip: str) -> Pushed:
        """Let the branch go from ``tip`` to the commit; empty: it is new. Raises ProviderError where git
        itself fails."""
        if self.remote is None:
            answer = self._git.ask("update-ref", "-m", "reconciler", self.ref, commit, tip)
            return Pushed("done") if answer.status == 0 else Pushed("moved", _last(answer))
        answer = self._git.ask(*PUSH, self.remote, f"{commit}:{self.ref}", timeout=_TIMEOUT)
        pushed = read_pushed(answer)
        if pushed is None and self._is_there(commit):
            pushed = Pushed("done")  # whoever hung up before the answer had taken it
        if pushed is not None and pushed.result == "done":
            self._git.ask("update-ref", self._seen, commit)
        return pushed or Pushed("refused", _last(answer))

    def _is_there(self, commit: str) -> bool:
        answer = self._git.ask("ls-remote", self.remote or "", self.ref, timeout=_TIMEOUT)
        return answer.text.split() == [commit, self.ref]

    def is_changed(self, path: str, tip: str) -> bool:
        """Whether the file is another than in ``tip``, in the index or on disk, while this branch is checked
        out. Raises ProviderError."""
        root = self.repository.root
        if root is None or not self._is_checked_out():
            return False
        git = self._git
        then = git.ask("rev-parse", "--verify", "--quiet", f"{tip}:{path}").text
        listed = git.read("ls-files", "--stage", "--", path).text.split()
        is_there = (root / path).exists() or (root / path).is_symlink()
        now = git.ask("hash-object", "--", path).text if is_there else ""
        return (listed[1] if listed else "") != then or now != then

    def follow(self, commit: str, tip: str, path: str) -> bool:
        """Let this clone's own branch and, where it is checked out, this one file come along; nothing where
        the branch has gone its own way, or the file is changed. Raises ProviderError."""
        own = self._git.ask("rev-parse", "--verify", "--quiet", f"{self.ref}^{{commit}}").text
        if self.repository.root is None or own not in (tip, commit) or self.is_changed(path, tip):
            return False
        if self._is_elsewhere():
            return False
        # The file first: it would seem to be changed back on a branch that is ahead of it.
        if self._is_checked_out() and not self._take(commit, path):
            return False
        moves = ("update-ref", "-m", "reconciler", self.ref, commit, tip)
        return own == commit or not self._git.ask(*moves).status

    def _take(self, commit: str, path: str) -> bool:
        """Let index and work tree have this file as the commit has it; False where somebody holds them."""
        blob = self._git.read("rev-parse", f"{commit}:{path}").text
        if self._git.ask("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}").status:
            return False
        return not self._git.ask("checkout-index", "--force", "--index", "--", path).status

    def _is_checked_out(self) -> bool:
        return self._git.ask("symbolic-ref", "--quiet", "HEAD").text == self.ref

    def _is_elsewhere(self) -> bool:
        """Whether another work tree of this clone has it: its files would seem to be changed."""
        listed = self._git.ask("worktree", "list", "--porcelain").text.split("\n\n")
        others = [entry.splitlines() for entry in listed if f"\nbranch {self.ref}" in f"\n{entry}"]
        root = self.repository.root
        here = None if root is None else f"worktree {root}"
        return any(lines[0] != here for lines in others if lines)


def open_branch(repository: GitRepository, name: str | None) -> Branch | None:
    """The branch of this name; without one the remote's default branch, else the one that is checked out.
    None where there is none. Raises ProviderError."""
    git = PersonalGit(repository.path)
    remote = _remote(git)
    if name is None and remote is not None:
        answer = git.ask("ls-remote", "--symref", remote, "HEAD", timeout=_TIMEOUT)
        if answer.status:
            raise git.failure("ls-remote", answer)
        found = re.search(rf"^ref: {HEADS}(\S+)\tHEAD$", answer.text, re.MULTILINE)
        name = found[1] if found else None
    elif name is None:
        head = git.ask("symbolic-ref", "--quiet", "HEAD").text
        name = head.removeprefix(HEADS) if head.startswith(HEADS) else None
    return None if name is None else Branch(repository, name, remote)


def _remote(git: GitCommand) -> str | None:
    """``origin``, else the only one."""
    listed = git.ask("config", "--name-only", "--get-regexp", r"^remote\..*\.url$").text.splitlines()
    names = [line.removeprefix("remote.").removesuffix(".url") for line in listed]
    return "origin" if "origin" in names else names[0] if len(names) == 1 else None


def read_pushed(answer: Answer) -> Pushed | None:
    """What git said of a push; None where the remote said nothing of the branch."""
    if answer.status == 0:
        return Pushed("done")
    told = [row for row in answer.text.splitlines() if row.startswith("!\t")]
    if not told:
        return None
    found = _REASON.search(told[0])
    reason = found[1] if found else told[0]
    is_moved = "[rejected]" in told[0] or bool(_RACE.search(reason))
    return Pushed("moved" if is_moved else "refused", _why(answer) or reason)


def _why(answer: Answer) -> str:
    """What a server says of its refusal, where it says anything."""
    said = [
        line.removeprefix("remote: ").strip() for line in answer.stderr.splitlines() if "remote: " in line
    ]
    told = [line for line in said if line.startswith(("error:", "GitLab:")) or "rotected" in line]
    return told[0] if told else ""


def _last(answer: Answer) -> str:
    lines = [line for line in answer.stderr.splitlines() if line.startswith(("fatal:", "error:"))]
    return (lines or answer.stderr.splitlines()[-1:] or ["no message"])[0]

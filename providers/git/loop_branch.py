"""A branch that a loop writes to, in its own clone: by the author, key and login of its Run file, and nothing
of whoever runs it. It never forces, and runs no hook of its own side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, TypeVar

from providers.git.access import Access
from providers.git.branch import PUSH, Branch, Pushed, read_pushed
from providers.git.cache import homeless, reaching
from providers.git.command import GitCommand
from providers.git.url import parse_url

_TIMEOUT = 120.0
Answer = TypeVar("Answer")


class LogIn(Protocol):
    """Asks with the login that pushes; once more with a fresh one where the remote takes it no longer."""

    def __call__(self, ask: Callable[[Access], Answer], /) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Pen:
    """Who commits, and with which key of ssh these commits are signed; None: they are not signed."""

    author_name: str
    address: str
    signing_key: Path | None = None


@dataclass(frozen=True, slots=True)
class SigningGit(GitCommand):
    """git as a loop runs it, with options before every command."""

    options: tuple[str, ...] = ()

    def _line(self, arguments: Sequence[str]) -> list[str]:
        return GitCommand._line(self, [*self.options, *arguments])


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopBranch(Branch):
    """``remote`` is a URL; None: the clone is the repository itself, and the ref is moved in it. A folder of
    this machine is pushed to as any other remote: so its own hooks are asked."""

    pen: Pen
    login: LogIn = field(repr=False)
    fetch: Callable[[], object] = field(repr=False)
    """Brings the clone up to date. Raises ProviderError."""

    @property
    def _git(self) -> GitCommand:
        pen = self.pen
        names = [(f"GIT_{role}_NAME", pen.author_name) for role in ("AUTHOR", "COMMITTER")]
        addresses = [(f"GIT_{role}_EMAIL", pen.address) for role in ("AUTHOR", "COMMITTER")]
        settings = ["commit.gpgSign=false"]
        if pen.signing_key is not None:
            settings = ["commit.gpgSign=true", "gpg.format=ssh", f"user.signingKey={pen.signing_key}"]
        options = tuple(part for setting in settings for part in ("-c", setting))
        git = self.repository.git
        return SigningGit(git.folder, (), git.trusted, (*names, *addresses), options=options)

    @property
    def _seen(self) -> str:
        return self.ref

    def tip(self) -> str:
        """As the clone has it: whoever watches the remote brings it up to date. Raises ProviderError."""
        return self.last_seen()

    def find(self) -> str | None:
        """See ``Branch``."""
        self.fetch()
        return self._git.ask("rev-parse", "--verify", "--quiet", f"{self.ref}^{{commit}}").text or None

    def push(self, commit: str, tip: str) -> Pushed:
        """See ``Branch``. Raises ProviderError where the remote does not answer, or takes no login."""
        if self.remote is None:
            answer = self._git.ask("update-ref", "-m", "reconciler", self.ref, commit, tip)
            return Pushed("done" if answer.status == 0 else "moved")
        pushed = self.login(lambda access: self._push(commit, access))
        if pushed.result == "done":
            self._git.ask("update-ref", self.ref, commit, tip)  # only from there: a fetch may be faster
        return pushed

    def _push(self, commit: str, access: Access) -> Pushed:
        remote = parse_url(self.remote or "", allow_file=True)
        git = replace(self._git, protocols=(remote.protocol,))
        git = replace(git, quarantine=(*git.quarantine, *homeless(remote)))
        with reaching(remote, access) as options:
            line = (*options, *PUSH, "--end-of-options", remote.text, f"{commit}:{self.ref}")
            answer = git.ask(*line, timeout=_TIMEOUT)
        pushed = read_pushed(answer)
        if pushed is None:
            raise git.failure("push", answer)
        return pushed

    def is_changed(self, path: str, tip: str) -> bool:
        """See ``Branch``: a loop writes to no work tree."""
        return False

    def follow(self, commit: str, tip: str, path: str) -> bool:
        """See ``Branch``."""
        return True

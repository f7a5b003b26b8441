"""The branch that a loop writes the Release of an environment to, as its Run file says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from reconciler.cli.branch_tip import unwritable
from reconciler.cli.loop_remote import logged_in, open_entry
from specs.environment import Environment, Tags
from specs.problem import Problem
from specs.run_push import Push
from specs.run_repository import RunRepository

if TYPE_CHECKING:
    from providers.git.access import Access
    from providers.git.loop_branch import LoopBranch
    from providers.git.repository import GitRepository

Answer = TypeVar("Answer")
_HEADS = "refs/heads/"


def open_loop_branch(
    entry: RunRepository, push: Push, repository: GitRepository, environment: Environment
) -> LoopBranch | Problem:
    """The branch that the environment tracks; else why nothing can be written."""
    from providers.git.loop_branch import LoopBranch, Pen

    if isinstance(environment.tracks, Tags):
        return unwritable("the environment tracks tags", f"{environment.tracks.tags}")
    name = environment.tracks or entry.ref or repository.default_branch()
    if name is None:
        return unwritable("git", "the repository names no default branch")
    author_name, _, address = push.author.removesuffix(">").rpartition(" <")
    key = Path(push.signing_key) if push.signing_key else None
    return LoopBranch(
        repository,
        name.removeprefix(_HEADS),
        None if entry.receive else entry.url or entry.folder,
        pen=Pen(author_name, address, key),
        login=_Login(_to_push(entry, push)),
        fetch=lambda: open_entry(entry),
    )


class _Login:
    """Implements ``LogIn``."""

    def __init__(self, entry: RunRepository) -> None:
        self.entry = entry

    def __call__(self, ask: Callable[[Access], Answer], /) -> Answer:
        return logged_in(self.entry, ask)


def _to_push(entry: RunRepository, push: Push) -> RunRepository:
    """The entry with the login that may write."""
    if not push.has_login:
        return entry
    login = {"credential": push.credential, "ssh": push.ssh, "github_app": push.github_app}
    return entry.model_copy(update=login)

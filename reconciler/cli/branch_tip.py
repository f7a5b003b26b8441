"""The branch that an environment's Release is written to, and the commit to write it on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli.envelope import failure
from reconciler.cli.tracked import find_tag
from reconciler.fault import ProviderError, Refused
from specs.environment import Environment, Tags
from specs.problem import Problem

if TYPE_CHECKING:
    from providers.git.branch import Branch
    from providers.git.repository import GitRepository


def find_place(repository: GitRepository, environment: Environment) -> tuple[Branch | None, Problem | None]:
    """The branch to write to; without one, why."""
    from providers.git.branch import open_branch

    if isinstance(environment.tracks, Tags):
        return None, unwritable("the environment tracks tags", f"{environment.tracks.tags}")
    try:
        branch = open_branch(repository, environment.tracks)
    except ProviderError as error:
        return None, unwritable("the remote", error.seen)
    return branch, None if branch else unwritable("git", "no branch is checked out, and there is no remote")


def find_tip(
    repository: GitRepository,
    branch: Branch | None,
    environment: Environment,
    environment_name: str,
    problem: Problem | None,
) -> tuple[str, Problem | None]:
    """The commit to write on. Where the remote does not answer: what is known of it, and that."""
    tracks = environment.tracks
    if isinstance(tracks, Tags):
        return find_tag(repository, tracks, environment_name).commit, problem
    if branch is None:
        return repository.resolve("HEAD"), problem
    try:
        return branch.tip(), None
    except Refused:
        raise
    except ProviderError as error:
        if branch.remote is None:
            raise
        return branch.last_seen(), unwritable(f"branch {branch.name}", error.seen)


def unwritable(where: str, seen: str) -> Problem:
    """Nothing can be written there, and why."""
    remedy = "commit the change that was printed"
    return failure("CLI057", where, seen, "a branch that can be written to", remedy)


def restless(branch_name: str, tries: int) -> Problem:
    """It moved each time."""
    seen = f"it moved {tries} times while this was written"
    return failure("CLI059", f"branch {branch_name}", seen, "a moment in which nobody pushes", "run it again")

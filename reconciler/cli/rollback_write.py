"""Writing a rollback into git: the commit on the branch that is tracked, or the reason why there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.cli.envelope import Stop, failure
from reconciler.cli.exits import REFUSED
from reconciler.cli.rollback_plan import Prepared, check_images, prepare
from reconciler.cli.session import stdout_style
from reconciler.cli.source import read_ref
from reconciler.cli.tracked import find_tag
from reconciler.cli.workspace import Workspace
from reconciler.clients import Clients
from reconciler.fault import ProviderError, Refused
from reconciler.observed import Observed
from reconciler.render import short_commit
from reconciler.render_rollback import render_changes
from specs.environment import Environment, Tags
from specs.problem import Problem

if TYPE_CHECKING:
    from providers.git.branch import Branch
    from providers.git.repository import GitRepository

Show = Callable[[str], object]
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Written:
    """Where the commit is; without one, why there is none."""

    prepared: Prepared
    commit: str | None = None
    branch: str | None = None
    remote: str | None = None
    followed: bool = False
    problem: Problem | None = None


async def write(
    workspace: Workspace, repository: GitRepository, observed: Observed, clients: Clients, show: Show
) -> Written:
    """The commit on the branch that is tracked; computed anew on a branch that moved meanwhile."""
    options, shown, tip = workspace.options, "", workspace.desired.commit
    branch, problem = await asyncio.to_thread(_find_branch, repository, workspace.effective.environment)
    for _ in range(_TRIES):
        tip, problem = await asyncio.to_thread(_find_tip, repository, branch, workspace, problem)
        source = await asyncio.to_thread(read_ref, repository, tip, options.path)
        is_remote = branch is not None and branch.remote is not None
        prepared = await asyncio.to_thread(prepare, options, source, observed, is_remote)
        await check_images(prepared, clients)
        if (changes := render_changes(prepared.view, stdout_style(options))) != shown:
            show(changes)
            shown = changes
        if branch is None or problem is not None:
            return Written(prepared, problem=problem)
        written = await asyncio.to_thread(_push, branch, tip, prepared)
        if written is not None:
            return written
    seen, name = f"it moved {_TRIES} times while this was written", branch.name if branch else ""
    problem = failure("CLI059", f"branch {name}", seen, "a moment in which nobody pushes", "run it again")
    raise Stop(REFUSED, (problem,), workspace.owner, tip)


def _find_branch(repository: GitRepository, environment: Environment) -> tuple[Branch | None, Problem | None]:
    """The branch to write to; without one, why."""
    from providers.git.branch import open_branch

    if isinstance(environment.tracks, Tags):
        return None, _unwritable("the environment tracks tags", f"{environment.tracks.tags}")
    try:
        branch = open_branch(repository, environment.tracks)
    except ProviderError as error:
        return None, _unwritable("the remote", error.seen)
    return branch, None if branch else _unwritable("git", "no branch is checked out, and there is no remote")


def _find_tip(
    repository: GitRepository, branch: Branch | None, workspace: Workspace, problem: Problem | None
) -> tuple[str, Problem | None]:
    """The commit to write on. Where the remote does not answer: what is known of it, and that."""
    tracks, name = workspace.effective.environment.tracks, workspace.options.environment
    if isinstance(tracks, Tags):
        return find_tag(repository, tracks, name).commit, problem
    if branch is None:
        return repository.resolve("HEAD"), problem
    try:
        return branch.tip(), None
    except Refused:
        raise
    except ProviderError as error:
        if branch.remote is None:
            raise
        return branch.last_seen(), _unwritable(f"branch {branch.name}", error.seen)


def _unwritable(where: str, seen: str) -> Problem:
    remedy = "commit the change that was printed"
    return failure("CLI057", where, seen, "a branch that can be written to", remedy)


def _push(branch: Branch, tip: str, prepared: Prepared) -> Written | None:
    """None where somebody else was faster. Raises Stop where a file of somebody's would be overwritten,
    ProviderError."""
    path = prepared.path
    if branch.remote is None and branch.is_changed(path, tip):
        remedy = "commit or restore it"
        problem = failure("CLI058", path, "it is changed and not committed", "the file as committed", remedy)
        raise Stop(REFUSED, (problem,), prepared.after.owner, tip)
    commit = branch.write(tip, path, prepared.text, _message(prepared))
    pushed = branch.push(commit, tip)
    if pushed.result == "moved":
        return None
    if pushed.result == "refused":
        seen = f"the remote refuses it: {pushed.reason}"
        return Written(prepared, problem=_unwritable(f"branch {branch.name}", seen))
    followed = branch.follow(commit, tip, path)
    return Written(prepared, commit, branch.name, branch.remote, followed)


def _message(prepared: Prepared) -> str:
    name, reason = prepared.after.owner.environment, prepared.after.options.reason
    each = [f"{way.service_name} to {short_commit(way.commit)}" for way in prepared.ways]
    title = f"Roll back {name}: {each[0]}" if len(each) == 1 else f"Roll back {len(each)} services of {name}"
    body = [*([reason] if reason else []), *(each if len(each) > 1 else [])]
    return "\n\n".join([title, *(["\n".join(body)] if body else [])]) + "\n"

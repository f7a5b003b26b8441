"""Writing a rollback into git: the commit on the branch that is tracked, or the reason why there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.cli.branch_tip import find_place, find_tip, restless, unwritable
from reconciler.cli.envelope import Stop, failure
from reconciler.cli.exits import REFUSED
from reconciler.cli.rollback_plan import Prepared, check_images, prepare
from reconciler.cli.session import stdout_style
from reconciler.cli.source import read_ref
from reconciler.cli.workspace import Workspace
from reconciler.clients import Clients
from reconciler.observed import Observed
from reconciler.render import short_commit
from reconciler.render_rollback import render_changes
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
    environment, name = workspace.effective.environment, options.environment
    branch, problem = await asyncio.to_thread(find_place, repository, environment)
    for _ in range(_TRIES):
        tip, problem = await asyncio.to_thread(find_tip, repository, branch, environment, name, problem)
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
    problem = restless(branch.name if branch else "", _TRIES)
    raise Stop(REFUSED, (problem,), workspace.owner, tip)


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
        return Written(prepared, problem=unwritable(f"branch {branch.name}", seen))
    followed = branch.follow(commit, tip, path)
    return Written(prepared, commit, branch.name, branch.remote, followed)


def _message(prepared: Prepared) -> str:
    name, reason = prepared.after.owner.environment, prepared.after.options.reason
    each = [f"{way.service_name} to {short_commit(way.commit)}" for way in prepared.ways]
    title = f"Roll back {name}: {each[0]}" if len(each) == 1 else f"Roll back {len(each)} services of {name}"
    body = [*([reason] if reason else []), *(each if len(each) > 1 else [])]
    return "\n\n".join([title, *(["\n".join(body)] if body else [])]) + "\n"

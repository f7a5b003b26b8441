"""Verb ``rollback``: back to what ran before, written to git so that every loop agrees, then applied."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.cli.envelope import Report, Stop, failure
from reconciler.cli.exits import CANNOT_TELL, REFUSED
from reconciler.cli.options import Options
from reconciler.cli.rollback_apply import apply_unwritten, apply_written, lift_markers
from reconciler.cli.rollback_plan import Prepared, check_images, prepare
from reconciler.cli.session import open_buildx, open_docker, report_of, run_live, stdout_style
from reconciler.cli.source import open_repository, read_ref
from reconciler.cli.workspace import Workspace
from reconciler.clients import Clients
from reconciler.fault import ProviderError, Refused
from reconciler.loop import look
from reconciler.observed import Observed
from reconciler.render import short_commit
from reconciler.render_json import JsonObject
from reconciler.render_rollback import render_changes, render_unwritten, render_written, rollback_json
from specs.environment import Environment, Tags
from specs.problem import Problem

if TYPE_CHECKING:
    from providers.git.branch import Branch
    from providers.git.repository import GitRepository

Connect = Callable[[Workspace], Clients]
"""The clients of another commit's workspace, on the same engine."""
Show = Callable[[str], object]
_TRIES = 5


@dataclass(frozen=True, slots=True)
class _Written:
    """Where the commit is; without one, why there is none."""

    prepared: Prepared
    commit: str | None = None
    branch: str | None = None
    remote: str | None = None
    followed: bool = False
    problem: Problem | None = None


def run(options: Options) -> Report:
    """Roll back. Raises Stop, ProviderError."""

    async def verb(workspace: Workspace, clients: Clients) -> Report:
        def connect(other: Workspace) -> Clients:
            return replace(other.clients(open_docker, open_buildx), runtime=clients.runtime)

        return await report_rollback(workspace, clients, connect, _show(options))

    return run_live(options, verb)


def _show(options: Options) -> Show:
    def show(text: str) -> None:
        if not options.as_json:
            sys.stdout.write(text)
            sys.stdout.flush()

    return show


async def report_rollback(workspace: Workspace, clients: Clients, connect: Connect, show: Show) -> Report:
    """Find, show, write, apply. Raises Stop with 4 where nothing is written, ProviderError."""
    options = workspace.options
    observed = await look(workspace.desired, clients)
    if observed.cannot_read("instances") or observed.cannot_read("markers"):
        text = "cannot tell what ran before\n"
        return report_of(workspace, workspace.desired, observed, Report(CANNOT_TELL, text))
    repository = await asyncio.to_thread(open_repository, options.repo)
    written = await _write(workspace, repository, observed, clients, show)
    prepared = written.prepared
    if written.commit is None:
        return await _report_unwritten(workspace, clients, connect, written, show)
    show(render_written(written.commit, written.branch or "", written.remote, written.followed))
    await lift_markers(prepared, clients)
    source = await asyncio.to_thread(read_ref, repository, written.commit, options.path)
    applied = await apply_written(options, source, connect)
    members: JsonObject = {
        **rollback_json(prepared.view),
        "result": "written",
        **_place(written),
        **applied.members,
    }
    return replace(applied.report, members=members, commit=written.commit)


async def _write(
    workspace: Workspace, repository: GitRepository, observed: Observed, clients: Clients, show: Show
) -> _Written:
    """The commit on the branch that is tracked; computed anew on a branch that moved meanwhile."""
    options, shown, tip = workspace.options, "", workspace.desired.commit
    branch, problem = await asyncio.to_thread(_find_branch, repository, workspace.effective.environment)
    for _ in range(_TRIES):
        tip, problem = await asyncio.to_thread(_find_tip, repository, branch, options, problem)
        source = await asyncio.to_thread(read_ref, repository, tip, options.path)
        is_remote = branch is not None and branch.remote is not None
        prepared = await asyncio.to_thread(prepare, options, source, observed, is_remote)
        await check_images(prepared, clients)
        if (changes := render_changes(prepared.view, stdout_style(options))) != shown:
            show(changes)
            shown = changes
        if branch is None or problem is not None:
            return _Written(prepared, problem=problem)
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
    repository: GitRepository, branch: Branch | None, options: Options, problem: Problem | None
) -> tuple[str, Problem | None]:
    """The commit to write on. Where the remote does not answer: what is known of it, and that."""
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


def _push(branch: Branch, tip: str, prepared: Prepared) -> _Written | None:
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
        return _Written(prepared, problem=_unwritable(f"branch {branch.name}", seen))
    followed = branch.follow(commit, tip, path)
    return _Written(prepared, commit, branch.name, branch.remote, followed)


def _message(prepared: Prepared) -> str:
    name, reason = prepared.after.owner.environment, prepared.after.options.reason
    each = [f"{way.service_name} to {short_commit(way.commit)}" for way in prepared.ways]
    title = f"Roll back {name}: {each[0]}" if len(each) == 1 else f"Roll back {len(each)} services of {name}"
    body = [*([reason] if reason else []), *(each if len(each) > 1 else [])]
    return "\n\n".join([title, *(["\n".join(body)] if body else [])]) + "\n"


def _place(written: _Written) -> JsonObject:
    return {"commit": written.commit, "branch": written.branch, "pull_request": None}


async def _report_unwritten(
    workspace: Workspace, clients: Clients, connect: Connect, written: _Written, show: Show
) -> Report:
    """Rolled back by markers, with the change for somebody to commit."""
    prepared, problem = written.prepared, written.problem
    in_git = prepared.source.specs.released(prepared.after.owner.environment)
    if any(entry is None and name in in_git for name, entry in prepared.entries.items()):
        # What git itself rolled back, git alone can bring forward: no marker stands against it.
        raise Stop(REFUSED, (problem,) if problem else (), prepared.after.owner, prepared.source.commit)
    applied = await apply_unwritten(workspace.options, prepared, clients, connect)
    change: JsonObject = {"path": prepared.path, "content": prepared.text}
    members: JsonObject = {
        **rollback_json(prepared.view),
        "result": "refused",
        **_place(written),
        "change": change,
        **applied.members,
    }
    problems = (*applied.report.problems, *((problem,) if problem else ()))
    text = applied.report.text + render_unwritten(prepared.path, prepared.text)
    return replace(applied.report, exit=REFUSED, text=text, members=members, problems=problems)

"""Verb ``rollback``: back to what ran before, written to git so that every loop agrees, then applied."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import replace

from reconciler.cli.envelope import Report, Stop
from reconciler.cli.exits import CANNOT_TELL, REFUSED
from reconciler.cli.options import Options
from reconciler.cli.person import person
from reconciler.cli.rollback_apply import UNDER_WAY, apply_unwritten, apply_written, lift_markers
from reconciler.cli.rollback_write import Show, Written, write
from reconciler.cli.session import open_buildx, open_docker, report_of, run_live
from reconciler.cli.source import open_repository, read_ref
from reconciler.cli.workspace import Workspace
from reconciler.clients import Clients
from reconciler.journal import Journal
from reconciler.loop import look
from reconciler.render import format_time
from reconciler.render_json import JsonObject
from reconciler.render_rollback import render_unwritten, render_written, rollback_json

Connect = Callable[[Workspace], Clients]
"""The clients of another commit's workspace, on the same engine."""


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
    written = await write(workspace, repository, observed, clients, show)
    prepared = written.prepared
    _note(written)
    if written.commit is None:
        return await _report_unwritten(workspace, clients, connect, written, show)
    show(render_written(written.commit, written.branch or "", written.remote, written.followed))
    await lift_markers(prepared, clients)
    source = await asyncio.to_thread(read_ref, repository, written.commit, options.path)
    applied = await apply_written(options, source, connect, show)
    members: JsonObject = {
        **rollback_json(prepared.view),
        "result": "written",
        **_place(written),
        **applied.members,
    }
    return replace(applied.report, members=members, commit=written.commit)


def _note(written: Written) -> None:
    """Who did it, and why, for ``history``: what was done is noted by whoever applies it."""
    prepared = written.prepared
    entry: JsonObject = {
        "at": format_time(time.time()),
        "verb": "rollback",
        "commit": written.commit or prepared.source.commit,
        "actor": person(),
        "result": "written" if written.commit else "marked",
        "about": ", ".join(way.service_name for way in prepared.ways),
        "reason": prepared.after.options.reason,
    }
    Journal.of(prepared.after.owner).append(entry)


def _place(written: Written) -> JsonObject:
    return {"commit": written.commit, "branch": written.branch, "pull_request": None}


async def _report_unwritten(
    workspace: Workspace, clients: Clients, connect: Connect, written: Written, show: Show
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
    told = [line for line in applied.report.text.splitlines(keepends=True) if f"({UNDER_WAY})" not in line]
    text = "".join(told) + render_unwritten(prepared.path, prepared.text)
    return replace(applied.report, exit=REFUSED, text=text, members=members, problems=problems)

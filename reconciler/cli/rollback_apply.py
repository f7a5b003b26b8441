"""The deed of a rollback: by the commit that was written, or by markers where none could be."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from reconciler.cli.apply import report_apply
from reconciler.cli.beside import acting_loop, keeps, waits_for_apply
from reconciler.cli.envelope import Report, Stop, failure
from reconciler.cli.exits import PENDING, REFUSED
from reconciler.cli.options import Options
from reconciler.cli.person import person
from reconciler.cli.rollback_plan import Prepared
from reconciler.cli.source import Source
from reconciler.cli.workspace import Workspace, read_workspace
from reconciler.clients import Clients
from reconciler.desired import Json
from reconciler.loop import look
from reconciler.observed import Marker
from reconciler.provider import Question
from reconciler.render import escape, short_commit
from reconciler.render_json import JsonObject
from reconciler.rollback_mark import ROLLBACK, rollback_marker
from reconciler.view import SUSPEND, newest_markers, read_suspension

UNDER_WAY = "a rollback is under way"
"""Why loops keep off; nobody need end that by hand."""
_LOOKS = 1.0
_MARGIN = 600.0
"""Seconds beyond the timeout of the apply for which loops keep off, should this process be killed."""
_APPLIED = ("result", "passes", "duration_s", "outcomes", "remaining", "followed")


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of it: the report, and the member ``applied`` of the output."""

    report: Report

    @property
    def members(self) -> JsonObject:
        """As ``apply`` says it; null where nothing was applied."""
        said = self.report.members
        return {"applied": {name: said[name] for name in _APPLIED if name in said} or None}


async def apply_written(
    options: Options, source: Source, connect: Callable[[Workspace], Clients], show: Callable[[str], object]
) -> Applied:
    """Apply the commit; where a loop acts, look on until it has done so. Raises Stop, ProviderError."""
    workspace = await asyncio.to_thread(read_workspace, replace(options, ref=source.commit), source)
    clients = connect(workspace)
    try:
        other = await _await_loop(workspace, clients, show)
        if other is None:
            return Applied(await report_apply(workspace, clients))
        text = f"a loop ({escape(other)}) has not come to commit {short_commit(source.commit)} yet\n"
        following = f"next:\n  reconciler status {options.environment} --watch\n"
        report = Report(PENDING, text + following, owner=workspace.owner, problems=workspace.problems)
        return Applied(report)
    finally:
        await workspace.registries.close()


async def _await_loop(workspace: Workspace, clients: Clients, show: Callable[[str], object]) -> str | None:
    """Wait until the loop that acts, if one does, keeps the new commit; the loop where it does not come."""
    began, is_told = time.monotonic(), False
    while True:
        loop = acting_loop(await look(workspace.desired, clients))
        if loop is None or keeps(loop) == workspace.desired.commit or waits_for_apply(workspace):
            return None
        if time.monotonic() - began > workspace.options.timeout:
            return loop.by
        if not is_told:
            show(f"waiting until the loop ({escape(loop.by)}) has it\n")
            is_told = True
        await asyncio.sleep(_LOOKS)


async def apply_unwritten(
    options: Options, prepared: Prepared, clients: Clients, connect: Callable[[Workspace], Clients]
) -> Applied:
    """Loops keep off; the markers say what the commit would have said; the deed; loops take over, and keep
    what the markers say. Raises Stop, ProviderError."""
    owner = prepared.after.owner
    suspended = await _suspend(options, prepared, clients)
    try:
        markers = (await clients.runtime.observe(Question(owner))).markers
        marked = {name: entry for name, entry in prepared.entries.items() if entry is not None}
        for name in prepared.entries:
            await _put(prepared, clients, rollback_marker(name, marked.get(name), markers))
        workspace = await asyncio.to_thread(
            read_workspace,
            prepared.after.options,
            prepared.source,
            marked={**prepared.after.marked, **marked},
        )
        own = connect(workspace)
        try:
            return Applied(await report_apply(workspace, own))
        finally:
            await workspace.registries.close()
    finally:
        if suspended is not None:
            await clients.runtime.put_marker(owner, suspended)


async def _suspend(options: Options, prepared: Prepared, clients: Clients) -> Marker | None:
    """Suspend the environment for loops; the marker that ends it again. None where somebody else has it
    suspended already."""
    owner = prepared.after.owner
    world = await clients.runtime.observe(Question(owner))
    earlier = newest_markers(world.markers).get((SUSPEND, ""))
    if read_suspension(earlier, world.at) is not None:
        return None
    sequence = earlier.sequence + 1 if earlier else 1
    until = world.at + options.timeout + _MARGIN
    await _put(prepared, clients, _suspension(sequence, True, until, UNDER_WAY))
    return _suspension(sequence + 1, False, None, "")


def _suspension(sequence: int, active: bool, until: float | None, reason: str) -> Marker:
    value: dict[str, Json] = {"active": active, "until": until, "reason": reason, "by": person()}
    return Marker(SUSPEND, "", sequence, json.dumps(value, sort_keys=True))


async def _put(prepared: Prepared, clients: Clients, marker: Marker) -> None:
    if await clients.runtime.put_marker(prepared.after.owner, marker):
        return
    seen, remedy = "somebody else was faster", "look at the status, and say it again"
    problem = failure("CLI015", str(prepared.after.owner), seen, remedy=remedy)
    raise Stop(REFUSED, (problem,), prepared.after.owner, prepared.source.commit)


async def lift_markers(prepared: Prepared, clients: Clients) -> None:
    """git has the word now: what markers said of these services is taken back. Raises ProviderError."""
    owner = prepared.after.owner
    markers = (await clients.runtime.observe(Question(owner))).markers
    known = {subject for kind, subject in newest_markers(markers) if kind == ROLLBACK}
    for name in sorted(known & prepared.entries.keys()):
        await clients.runtime.put_marker(owner, rollback_marker(name, None, markers))

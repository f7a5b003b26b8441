"""Verb ``status``: what runs, from which commit and digest, since when, and how it is."""

from __future__ import annotations

from reconciler.applied import read_applied
from reconciler.cli.envelope import Report
from reconciler.cli.exits import CANNOT_TELL, FAILED, worst
from reconciler.cli.options import Options
from reconciler.cli.session import meet, place_json, place_line, report_of, run_reading, stdout_style
from reconciler.cli.workspace import Workspace
from reconciler.clients import ReadClients
from reconciler.desired import Desired
from reconciler.loop_mark import living_loop
from reconciler.observed import Observed
from reconciler.plan import plan
from reconciler.render_status import render_status, status_json
from reconciler.status import assess_status, await_apply


def run(options: Options) -> Report:
    """Look at the live environment, once or until interrupted. Raises Stop, ProviderError."""
    if options.watch:
        from reconciler.cli.status_watch import watch_status

        return watch_status(options)
    return run_reading(options, report_status)


async def report_status(workspace: Workspace, clients: ReadClients) -> Report:
    """One look, judged. 3 when something could not be read; with ``--exit-code`` 5 for what is held."""
    desired, observed = await meet(workspace, clients)
    return report_seen(workspace, clients, desired, observed, observed.at)


def report_seen(
    workspace: Workspace, clients: ReadClients, desired: Desired, observed: Observed, now: float
) -> Report:
    """What was seen, as it is ``now``, by the runtime's clock: countdowns go on without another look."""
    decided = plan(desired, observed, now)
    style, loop = stdout_style(workspace.options), living_loop(observed)
    contested = loop.unstable if loop is not None else {}
    statuses = assess_status(desired, observed, decided, now, contested)
    applied = read_applied(observed.markers)
    is_manual = workspace.effective.environment.deploy == "manual"
    if is_manual and applied is not None and applied.commit != desired.commit:
        statuses = await_apply(statuses, decided)
    held = workspace.options.exit_code and any(status.state == "held" for status in statuses)
    report = Report(
        exit=worst([CANNOT_TELL] * bool(observed.unreadable) + [FAILED] * held),
        text=place_line(clients.place, style) + render_status(statuses, desired, observed, style, loop),
        members={**place_json(clients.place), **status_json(statuses, observed, loop)},
    )
    return report_of(workspace, desired, observed, report)

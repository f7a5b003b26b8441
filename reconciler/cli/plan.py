"""Verb ``plan``: what a pass would do now, and the forecast to the end. Changes nothing."""

from __future__ import annotations

from dataclasses import replace

from reconciler.cli.changes import changes_to_build
from reconciler.cli.envelope import Report
from reconciler.cli.options import Options
from reconciler.cli.pending import exit_code
from reconciler.cli.references import look_up
from reconciler.cli.session import meet, place_json, place_line, report_of, run_reading, stdout_style
from reconciler.cli.workspace import Workspace
from reconciler.clients import ReadClients
from reconciler.explained import explain, explained_json, render_explained
from reconciler.forecast import forecast
from reconciler.plan import plan
from reconciler.render_plan import PlanView, plan_json, render_plan, view_plan


def run(options: Options) -> Report:
    """Plan on the live environment; with ``--base`` on commits alone. Raises Stop, ProviderError."""
    if options.base is not None:
        from reconciler.cli.offline import run_offline

        return run_offline(options)
    return run_reading(options, report_plan)


async def report_plan(workspace: Workspace, clients: ReadClients) -> Report:
    """One look, the decision, and what follows from it."""
    view = await view_live(workspace, clients)
    desired, observed, decided = view.desired, view.observed, view.plan
    options = workspace.options
    style = stdout_style(options)
    told = explain(workspace.effective, view.forecast) if options.explain else ()
    report = Report(
        exit=exit_code(decided, observed, options.exit_code),
        text=place_line(clients.place, style) + render_plan(view, style) + render_explained(told, style),
        members={
            **place_json(clients.place),
            **plan_json(view),
            **({"explained": explained_json(told)} if options.explain else {}),
        },
    )
    return report_of(workspace, desired, observed, report)


async def view_live(workspace: Workspace, clients: ReadClients) -> PlanView:
    """What is desired and what is observed in one look, and the plan with what follows from it."""
    desired, observed = await meet(workspace, clients)
    decided = plan(desired, observed, observed.at)
    following = forecast(desired, observed, observed.at)
    changes = await changes_to_build(desired, observed, clients)
    named = await look_up(desired, observed, clients)
    return replace(view_plan(desired, observed, decided, following, changes), references=named)

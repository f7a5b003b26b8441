"""Verb ``plan``: what a pass would do now, and the forecast to the end. Changes nothing."""

from __future__ import annotations

from dataclasses import replace

from reconciler.cli.changes import changes_to_build
from reconciler.cli.envelope import Report
from reconciler.cli.exits import CANNOT_TELL, PENDING, REFUSED, worst
from reconciler.cli.options import Options
from reconciler.cli.references import look_up
from reconciler.cli.session import meet, place_json, place_line, report_of, run_live, stdout_style
from reconciler.cli.workspace import Workspace
from reconciler.clients import Clients
from reconciler.decision import Ender, Plan
from reconciler.forecast import forecast
from reconciler.observed import Observed
from reconciler.plan import plan
from reconciler.render_plan import PlanView, plan_json, render_plan, view_plan


def run(options: Options) -> Report:
    """Plan on the live environment. Raises Stop, ProviderError."""
    return run_live(options, report_plan)


async def report_plan(workspace: Workspace, clients: Clients) -> Report:
    """One look, the decision, and what follows from it."""
    view = await view_live(workspace, clients)
    desired, observed, decided = view.desired, view.observed, view.plan
    options = workspace.options
    style = stdout_style(options)
    report = Report(
        exit=exit_code(decided, observed, options.exit_code),
        text=place_line(clients.place, style) + render_plan(view, style),
        members={**place_json(clients.place), **plan_json(view)},
    )
    return report_of(workspace, desired, observed, report)


async def view_live(workspace: Workspace, clients: Clients) -> PlanView:
    """What is desired and what is observed in one look, and the plan with what follows from it."""
    desired, observed = await meet(workspace, clients)
    decided = plan(desired, observed, observed.at)
    following = forecast(desired, observed, observed.at)
    changes = await changes_to_build(desired, observed, clients)
    named = await look_up(desired, observed, clients)
    return replace(view_plan(desired, observed, decided, following, changes), references=named)


def exit_code(decided: Plan, observed: Observed, is_asked: bool) -> int:
    """3 for what could not be read; with ``--exit-code`` 2 for what is pending and 4 for a guard."""
    codes = [CANNOT_TELL] if observed.unreadable else []
    if is_asked:
        pending = decided.actions or any(w.ender is not Ender.OUTSIDE for w in decided.waits)
        codes += [PENDING] if pending or any(block.held for block in decided.blocks) else []
        codes += [REFUSED] if any(not block.held for block in decided.blocks) else []
    return worst(codes)

"""Verb ``why``: which input or field made a service what it is, or would change it."""

from __future__ import annotations

from reconciler.cli.changes import changes_between
from reconciler.cli.envelope import Report, Stop, failure
from reconciler.cli.exits import CANNOT_TELL, DONE, ERROR
from reconciler.cli.options import Options
from reconciler.cli.session import meet, report_of, run_reading, stdout_style
from reconciler.cli.workspace import Workspace
from reconciler.clients import ReadClients
from reconciler.desired import Desired
from reconciler.journal import Journal
from reconciler.lookback import Lookback, look_back
from reconciler.render_journal import last_action
from reconciler.render_why import render_why, why_json
from specs.inputs import Change
from specs.suggest import did_you_mean


def run(options: Options) -> Report:
    """Explain one service. Raises Stop, ProviderError."""
    return run_reading(options, report_why)


async def report_why(workspace: Workspace, clients: ReadClients) -> Report:
    """One look; the inputs come from the documents beside the images. Raises Stop for an unknown service."""
    desired, observed = await meet(workspace, clients)
    service_name = workspace.options.service
    lookback = look_back(service_name, desired, observed)
    if lookback.running is None and service_name not in desired.services:
        remedy = did_you_mean(service_name, desired.services)
        problem = failure(
            "CLI005", f"Environment {desired.owner.environment}", f"no service {service_name}", "", remedy
        )
        raise Stop(ERROR, (*workspace.problems, problem), desired.owner, desired.commit)
    inputs = await _compare_inputs(lookback, desired, clients)
    last = last_action(Journal.of(desired.owner).newest(), service_name)
    report = Report(
        exit=CANNOT_TELL if observed.cannot_read("instances") else DONE,
        text=render_why(lookback, inputs, last, stdout_style(workspace.options)),
        members=why_json(lookback, inputs, last),
    )
    return report_of(workspace, desired, observed, report)


async def _compare_inputs(lookback: Lookback, desired: Desired, clients: ReadClients) -> tuple[Change, ...]:
    before, after = lookback.before, lookback.after
    service = desired.services.get(lookback.service_name)
    if before is None or after is None or service is None or service.image.image_name is None:
        return ()
    return await changes_between(service.image.ref, before.input, after.input, desired, clients)

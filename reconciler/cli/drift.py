"""Verb ``drift``: what lives against what was applied. The verb for CI: 2 when it differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reconciler.assess import assess_drift
from reconciler.cli.beginnings import find_beginnings
from reconciler.cli.contents import find_damage, remedy
from reconciler.cli.envelope import Report
from reconciler.cli.exits import CANNOT_TELL, PENDING, worst
from reconciler.cli.options import Options
from reconciler.cli.places import with_places
from reconciler.cli.session import meet, report_of, run_reading, stdout_style
from reconciler.cli.workspace import Workspace
from reconciler.clients import ReadClients
from reconciler.contents import Damage, with_damage
from reconciler.difference import Verdict
from reconciler.drift import ServiceDrift
from reconciler.observed import Observed
from reconciler.render import escape
from reconciler.render_drift import drift_json, mask_drift, overall, render_drift


def run(options: Options) -> Report:
    """Compare the live environment. Raises Stop, ProviderError."""
    return run_reading(options, report_drift)


async def report_drift(workspace: Workspace, clients: ReadClients) -> Report:
    """One look, compared field by field."""
    desired, observed = await meet(workspace, clients)
    options, assessed = workspace.options, assess_drift(desired, observed, observed.at)
    assessed = await find_beginnings(clients.runtime, desired, observed, assessed)
    damages, unread = await find_damage(workspace, clients, desired, observed) if options.deep else ([], [])
    observed = replace(observed, unreadable=(*observed.unreadable, *unread))
    drifts = mask_drift(with_damage(assessed, damages), desired, observed)
    report = Report(
        exit=exit_code(drifts, observed, options.strict),
        text=render_drift(drifts, desired, observed, stdout_style(options)) + _remedies(damages, observed),
        members=with_places(drift_json(drifts), workspace.source.specs),
    )
    return report_of(workspace, desired, observed, report)


def _remedies(damages: Sequence[Damage], observed: Observed) -> str:
    commands = sorted({remedy(damage, observed) for damage in damages})
    lines = [f"to have these files made again: {escape(command, 2000)}, then apply" for command in commands]
    return "".join(f"{line}\n" for line in lines)


def exit_code(drifts: Sequence[ServiceDrift], observed: Observed, is_strict: bool) -> int:
    """2 for drift, 3 for what cannot be told; ``--strict`` counts what was not compared as the latter."""
    result = overall(drifts)
    skipped = any(d.verdict is Verdict.NOT_COMPARED for drift in drifts for d in drift.diffs)
    unknown = result == "cannot_tell" or observed.unreadable or (is_strict and skipped)
    return worst([PENDING] * (result == "drifted") + [CANNOT_TELL] * bool(unknown))

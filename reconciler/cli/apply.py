"""Verb ``apply``: passes until settled, with live progress on stderr."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.cli.beside import Beside, LoopKeeps, leave_word
from reconciler.cli.envelope import Report, Stop, failure
from reconciler.cli.exits import CANNOT_TELL, DONE, FAILED, PENDING, REFUSED
from reconciler.cli.options import Options
from reconciler.cli.person import person
from reconciler.cli.policy import reviewed_environment
from reconciler.cli.progress import Progress, open_progress
from reconciler.cli.reach import check_registries
from reconciler.cli.records import publish_applied
from reconciler.cli.session import report_of, run_live, stdout_style
from reconciler.cli.source import check_branch
from reconciler.cli.workspace import Workspace
from reconciler.clients import Clients
from reconciler.desired import Desired
from reconciler.evidence import Evidence
from reconciler.following import follow
from reconciler.journal import Journal
from reconciler.last_words import mask_of, read_evidence
from reconciler.loop import Converged, converge
from reconciler.loop_seen import LivingLoop
from reconciler.observed import Observed
from reconciler.pin_claim import GATE
from reconciler.render import escape
from reconciler.render_apply import ApplyView, apply_json, render_apply
from reconciler.render_journal import journal_entry
from reconciler.render_logs import Mask
from reconciler.secret_names import secret_names
from reconciler.view import group, suspension
from specs.problem import Problem

_TURNS = 3


def run(options: Options) -> Report:
    """Apply to the live environment. Raises Stop, ProviderError."""
    return run_live(options, report_apply)


async def report_apply(workspace: Workspace, clients: Clients) -> Report:
    """Converge and judge. Raises Stop where the commit may not be applied, ProviderError."""
    options = workspace.options
    if not options.off_branch:
        _check_branch(workspace)
    beside = Beside(workspace)
    desired = workspace.desired
    check_registries(desired, clients.place)
    progress = open_progress(desired, options, _secret_values(workspace))
    await leave_word(workspace, clients)
    converged, loop = await _converge_beside(beside, clients, progress)
    view = replace(view_of(desired, converged), evidence=await evidence(desired, clients, converged))
    if converged.outcomes:
        Journal.of(desired.owner).append({**journal_entry(view, time.time()), "actor": person()})
    shown = render_apply(view, stdout_style(options))
    report = Report(
        exit=exit_code(converged),
        text=_looked_on(loop) + _told_suspension(converged.observed, desired) + shown,
        members={**apply_json(view, options.logs), "followed": None if loop is None else loop.by},
    )
    report = report_of(workspace, desired, converged.observed, report)
    told = await _publish(workspace, clients, converged) if loop is None else ()
    return replace(report, problems=(*report.problems, *told)) if told else report


async def _publish(workspace: Workspace, clients: Clients, converged: Converged) -> tuple[Problem, ...]:
    """The record, where this environment keeps one and has come to rest. A loop that we looked on at writes
    its own."""
    if workspace.desired.policy.record is None or not converged.plan.settled:
        return ()
    met = await asyncio.to_thread(workspace.meet, converged.observed)
    return await publish_applied(met, converged.observed, converged.plan, clients.registry)


async def _converge_beside(
    beside: Beside, clients: Clients, progress: Progress
) -> tuple[Converged, LivingLoop | None]:
    """Passes of our own or, where a loop is at work on this commit, looks at its work. The loop, where we
    only looked on. Raises Stop, ProviderError."""
    options, desired = beside.workspace.options, beside.workspace.desired
    for _ in range(_TURNS):
        try:
            return await converge(
                desired,
                clients,
                within=options.timeout,
                report=progress.show_pass,
                progress=progress.show_line,
                meet=beside.meet,
            ), None
        except LoopKeeps as met:
            found = await follow(
                desired,
                clients,
                within=options.timeout,
                report=progress.show_pass,
                meet=beside.meet,
                alive=beside.alive,
            )
            if found is not None:
                return found, met.loop
            beside.was_asked = False  # it died, or turned to another commit: as if we had come now
    raise Stop(REFUSED, (*beside.workspace.problems, _restless(desired)), desired.owner, desired.commit)


def _restless(desired: Desired) -> Problem:
    seen = "loops come and go while this looks on"
    remedy = f"reconciler status {desired.owner.environment}"
    return failure("CLI016", f"Environment {desired.owner.environment}", seen, "one loop, or none", remedy)


def _looked_on(loop: LivingLoop | None) -> str:
    return "" if loop is None else f"a loop ({escape(loop.by)}) keeps this commit: this looked on\n"


def _told_suspension(observed: Observed, desired: Desired) -> str:
    """Who acts in an environment that is suspended for loops should hand it back."""
    reason = suspension(group(observed), "", observed.at)
    if reason is None:
        return ""
    name = desired.owner.environment
    return f"suspended for loops ({escape(reason)}) until: reconciler resume {name}\n"


def _secret_values(workspace: Workspace) -> frozenset[str]:
    names = {name for service in workspace.desired.services.values() for name in secret_names(service.form)}
    return frozenset(workspace.stock.secret_store.values(names).values())


def view_of(desired: Desired, converged: Converged) -> ApplyView:
    """What is shown of it."""
    return ApplyView(
        desired=desired,
        observed=converged.observed,
        plan=converged.plan,
        result=converged.result,
        passes=converged.passes,
        duration=converged.duration,
        outcomes=converged.outcomes,
        timed_out=converged.timed_out,
    )


async def evidence(desired: Desired, clients: Clients, converged: Converged) -> Mapping[str, Evidence]:
    """What the newest held instance of each held service left."""
    seen, decided = converged.observed, converged.plan
    return await read_evidence(desired, seen, decided, clients.runtime, mask_of(clients))


def hide(line: str, values: Iterable[str]) -> str:
    """The line without the secret values, and without the longer lines of each."""
    return Mask(values).apply(line)


def _check_branch(workspace: Workspace) -> None:
    name = workspace.owner.environment
    reviewed = reviewed_environment(workspace.source, name)
    try:
        check_branch(workspace.source, reviewed or workspace.effective.environment, name)
    except Stop as stop:
        raise Stop(stop.exit, (*workspace.problems, *stop.problems), workspace.owner, stop.commit) from None


def exit_code(converged: Converged) -> int:
    """Contracts, section 2. Waits from outside alone are no failure: 0, with them listed; 4 where a gate
    holds something up."""
    if converged.result == "waiting" and any(wait.expects == GATE for wait in converged.plan.waits):
        return REFUSED
    codes = {
        "settled": DONE,
        "waiting": PENDING if converged.timed_out else DONE,
        "blocked": REFUSED,
        "held": FAILED,
        "rolled_back": FAILED,
        "unreadable": CANNOT_TELL,
        "failed": FAILED,
    }
    return codes[converged.result]

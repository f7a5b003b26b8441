"""Verb ``adopt``: takes over a live container that is not ours, or accepts a new source for what is ours."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from reconciler.cli.adopt_source import find_handover, report_handover
from reconciler.cli.apply import evidence, exit_code, view_of
from reconciler.cli.envelope import Report, Stop, failure
from reconciler.cli.exits import CANNOT_TELL, DONE, ERROR, FAILED, REFUSED
from reconciler.cli.options import Options
from reconciler.cli.session import meet, report_of, run_live, stdout_style
from reconciler.cli.take_over import TakenOver, forget, take_over
from reconciler.cli.workspace import Workspace
from reconciler.clients import Clients
from reconciler.desired import Desired, Json
from reconciler.observed import Observed
from reconciler.render import escape, format_duration
from reconciler.render_apply import apply_json, render_apply
from reconciler.render_json import JsonObject
from reconciler.render_plan import render_unreadable
from reconciler.stranger import Stranger
from reconciler.takeover import (
    ADOPT,
    TakeOver,
    candidates,
    confirmation,
    kept_volumes,
    longest_gap,
    matches,
    read_take_over,
    remarks_on,
)
from reconciler.view import group, newest_markers


def run(options: Options) -> Report:
    """Show what would happen, or do it. Raises Stop, ProviderError."""
    chosen = (options.service,) if options.service else ()
    return run_live(replace(options, services=chosen), report_adopt)


async def report_adopt(workspace: Workspace, clients: Clients) -> Report:
    """Without the right ``--confirm`` only what it would do, an id, and exit 4. Raises Stop and
    ProviderError."""
    options = workspace.options
    desired, observed = await meet(workspace, clients)
    if observed.unreadable:
        lines = render_unreadable(observed.unreadable, stdout_style(options))
        report = Report(CANNOT_TELL, "\n".join(lines) + "\n")
    elif options.container:
        report = await _report_take_over(workspace, clients, desired, observed)
    else:
        handover = await asyncio.to_thread(find_handover, workspace, desired, observed)
        handed = await report_handover(workspace, clients, desired, handover)
        report = handed or _report_candidates(desired, await clients.runtime.strangers())
    return report_of(workspace, desired, observed, report)


async def _report_take_over(
    workspace: Workspace, clients: Clients, desired: Desired, observed: Observed
) -> Report:
    service_name = workspace.options.service
    marker = newest_markers(observed.markers).get((ADOPT, service_name))
    begun = read_take_over(marker)
    strangers = await clients.runtime.strangers()
    if begun is not None and all(s.handle.id != begun.id for s in strangers):
        await forget(desired, clients, service_name)
        return Report(DONE, f"container {escape(begun.name)} is gone: nothing is left to take over\n")
    stranger = _chosen(strangers, workspace.options.container)
    _check_begun(service_name, stranger, begun)
    service = desired.services[service_name]
    remarks = remarks_on(service, stranger)
    identity = confirmation(desired.owner, service_name, stranger, remarks)
    members: JsonObject = {
        "service": service_name,
        "container": {"id": stranger.handle.id, "name": stranger.name, "image": stranger.image},
        "interrupts": longest_gap(service, stranger),
        "kept": [{"path": path, "source": source} for path, source in kept_volumes(service, stranger)],
        "remarks": list[Json](remarks),
    }
    if workspace.options.confirm != identity:
        is_live = bool(group(observed).of(service_name).live) and begun is None
        text = _words(desired, service_name, stranger, remarks, identity, is_live)
        return Report(REFUSED, text, {"result": "asked", "confirm": identity, **members})
    taken = await take_over(workspace, clients, stranger, begun)
    return await _report_end(workspace, clients, stranger, taken, members)


def _chosen(strangers: Sequence[Stranger], handle: str) -> Stranger:
    found = [stranger for stranger in strangers if matches(stranger, handle)]
    exact = [stranger for stranger in found if stranger.name == handle]
    if len(exact or found) != 1:
        seen = "several containers begin so" if found else "there is no such container that is not ours"
        remedy = "name one of `docker ps --all`"
        raise Stop(ERROR, (failure("CLI032", f"container {handle}", seen, remedy=remedy),))
    return (exact or found)[0]


def _check_begun(service_name: str, stranger: Stranger, begun: TakeOver | None) -> None:
    if begun is not None and begun.id != stranger.handle.id:
        seen, remedy = f"it is taking over from {begun.name}", f"go on with that: adopt … {begun.name}"
        raise Stop(REFUSED, (failure("CLI033", f"Service {service_name}", seen, remedy=remedy),))


def _words(
    desired: Desired,
    service_name: str,
    stranger: Stranger,
    remarks: Sequence[str],
    identity: str,
    is_live: bool,
) -> str:
    service, name = desired.services[service_name], escape(stranger.name)
    lines = [f"service {service_name} of {desired.owner} takes over from {name} ({escape(stranger.image)}):"]
    gap = longest_gap(service, stranger)
    if gap is not None and not is_live:
        longest = format_duration(gap)
        lines.append(f"  {name} is stopped: {service_name} is interrupted for at most {longest}")
    lines += [
        f"  it keeps {escape(source)} at {escape(path)}" for path, source in kept_volumes(service, stranger)
    ]
    lines += [f"  mind: {escape(remark, 400)}" for remark in remarks]
    lines += [f"  {name} is all that goes: {service_name} runs beside it already"] if is_live else []
    lines.append(f"  {name} is removed when the service has proved itself, and started again if it fails")
    command = f"reconciler adopt {desired.owner.environment} {service_name} {name} --confirm={identity}"
    return "\n".join([*lines, f"to do it: {command}"]) + "\n"


async def _report_end(
    workspace: Workspace, clients: Clients, stranger: Stranger, taken: TakenOver, members: JsonObject
) -> Report:
    found = await evidence(workspace.desired, clients, taken.converged)
    view = replace(view_of(workspace.desired, taken.converged), evidence=found)
    told = render_apply(view, stdout_style(workspace.options))
    name, service_name = escape(stranger.name), workspace.options.service
    first, exits = {
        "adopted": (f"service {service_name} took over from {name}, which is removed", DONE),
        "put_back": (f"service {service_name} failed, and {name} runs again", FAILED),
        "not_ready": (f"service {service_name} is not ready to take over; {name} was not touched", REFUSED),
    }[taken.end]
    if taken.end == "not_ready":
        exits = exit_code(taken.converged) or REFUSED
    applied: JsonObject = {"apply": apply_json(view, workspace.options.logs)}
    return Report(exits, f"{first}\n{told}", {"result": taken.end, **members, **applied})


def _report_candidates(desired: Desired, strangers: Sequence[Stranger]) -> Report:
    found = candidates(desired.services, strangers)
    env = desired.owner.environment
    lines = [f"reconciler adopt {env} {service_name} {escape(s.name)}" for service_name, s in found]
    listed: list[Json] = [
        {"service": service_name, "container": {"id": s.handle.id, "name": s.name, "image": s.image}}
        for service_name, s in found
    ]
    head = "to take over what Compose runs:" if found else "nothing of Compose runs that bears these names"
    return Report(DONE, "\n".join([head, *(f"  {line}" for line in lines)]) + "\n", {"candidates": listed})

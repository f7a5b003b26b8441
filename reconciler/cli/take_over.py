"""The steps of a take-over: all ready, the old container aside, ours proved, the old one gone; or back.

The marker that is written before the old container is touched lets the same command go on after a kill -9.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Literal

from reconciler.cli.envelope import Stop, failure
from reconciler.cli.exits import REFUSED
from reconciler.cli.progress import open_progress
from reconciler.cli.workspace import Workspace
from reconciler.clients import Clients
from reconciler.desired import Desired
from reconciler.lease import Lease
from reconciler.loop import Converged, converge, look
from reconciler.observed import Instance, Marker, Observed
from reconciler.ownership import Role
from reconciler.readiness import grace
from reconciler.room import TAKE_OVER
from reconciler.stranger import Stranger
from reconciler.takeover import ADOPT, TakeOver, begin
from reconciler.view import group, newest_markers

Mode = Literal["prepare", "take"]
End = Literal["adopted", "not_ready", "put_back"]


@dataclass(frozen=True, slots=True)
class TakenOver:
    """How it ended, and the passes that it ended with. ``not_ready``: nothing was touched."""

    end: End
    converged: Converged


async def take_over(
    workspace: Workspace, clients: Clients, stranger: Stranger, begun: TakeOver | None
) -> TakenOver:
    """Take over, or go on where it was left. Raises Stop, ProviderError; then the same command goes on."""
    if begun is None:
        ready = await _converge(workspace, clients, "prepare")
        if not is_ready(ready):
            return TakenOver("not_ready", ready)
        begun = begin(stranger)
    await _set_aside(workspace, clients, stranger, begun)
    taken = await _converge(workspace, clients, "take")
    if taken.result == "settled":
        await clients.runtime.let_go(stranger.handle)
        await forget(workspace.desired, clients, workspace.options.service)
        return TakenOver("adopted", taken)
    await _put_back(workspace, clients, stranger, begun)
    return TakenOver("put_back", taken)


def is_ready(converged: Converged) -> bool:
    """Nothing is missing but the room that the old container takes."""
    left = converged.plan
    expects = {wait.expects for wait in left.waits}
    return not (left.actions or left.blocks or converged.observed.unreadable) and expects <= {TAKE_OVER}


async def _converge(workspace: Workspace, clients: Clients, mode: Mode) -> Converged:
    desired = in_mode(workspace.desired, mode)
    progress = open_progress(desired, workspace.options)
    return await converge(
        desired,
        clients,
        within=workspace.options.timeout,
        report=progress.show_pass,
        progress=progress.show_line,
        meet=lambda observed: in_mode(workspace.meet(observed), mode),
    )


def in_mode(desired: Desired, mode: Mode) -> Desired:
    """What is desired, for a service that takes over."""
    return replace(desired, policy=replace(desired.policy, take_over=mode))


async def _set_aside(workspace: Workspace, clients: Clients, stranger: Stranger, begun: TakeOver) -> None:
    async with _writing(workspace.desired, clients) as observed:
        await _remember(workspace, clients, observed, begun)
        await clients.runtime.set_aside(stranger.handle, begun.aside, stranger.grace)


async def _remember(workspace: Workspace, clients: Clients, observed: Observed, begun: TakeOver) -> None:
    service_name = workspace.options.service
    earlier = newest_markers(observed.markers).get((ADOPT, service_name))
    if earlier is not None and earlier.value == begun.write():
        return
    sequence = earlier.sequence + 1 if earlier else 1
    marker = Marker(ADOPT, service_name, sequence, begun.write())
    if not await clients.runtime.put_marker(workspace.owner, marker):
        raise _other_writer("another process that was faster")


async def _put_back(workspace: Workspace, clients: Clients, stranger: Stranger, begun: TakeOver) -> None:
    """Ours out of the way, its last instance kept stopped so that its logs can be read; then the old one."""
    service_name, runtime = workspace.options.service, clients.runtime
    seconds = grace(workspace.desired.services[service_name].form.spec)
    async with _writing(workspace.desired, clients) as observed:
        view = group(observed).of(service_name)
        *others, last = view.live or (None,)
        for instance in (i for i in others if i is not None):
            await runtime.remove_instance(workspace.owner, instance.handle, seconds)
        if last is not None:
            await _stop_last(workspace, clients, last, bool(view.held), seconds)
        await runtime.bring_back(stranger.handle, begun.name, begun.restart)
    await forget(workspace.desired, clients, service_name)


async def _stop_last(
    workspace: Workspace, clients: Clients, last: Instance, has_held: bool, seconds: float
) -> None:
    owner, runtime = workspace.owner, clients.runtime
    if has_held:
        await runtime.remove_instance(owner, last.handle, seconds)
    else:
        await runtime.retire_instance(owner, last.handle, f"{last.name}_{Role.HELD.value}", seconds)


async def forget(desired: Desired, clients: Clients, service_name: str) -> None:
    """The take-over has ended: its marker goes."""
    observed = await look(desired, clients)
    for marker in observed.markers:
        if (marker.kind, marker.subject) == (ADOPT, service_name):
            await clients.runtime.remove_marker(desired.owner, marker.object_name)


@asynccontextmanager
async def _writing(desired: Desired, clients: Clients) -> AsyncIterator[Observed]:
    """One look under the lease: nobody else writes meanwhile. Raises Stop when somebody does."""
    observed = await look(desired, clients)
    lease = Lease(desired.owner, clients.runtime)
    other = lease.other(observed)
    if other is not None or not await lease.take(observed):
        raise _other_writer(other or "another process that was faster")
    try:
        yield await look(desired, clients)
    finally:
        await lease.give_back()


def _other_writer(other: str) -> Stop:
    remedy = "wait until it has ended, then repeat the command"
    return Stop(REFUSED, (failure("CLI035", "adopt", f"{other} is writing", remedy=remedy),))

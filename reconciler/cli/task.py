"""Verb ``task``: a command in a container of its own, with what an instance of the service would get."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace

from reconciler.cli.converse import GRACE, converse
from reconciler.cli.envelope import Report, Stop, failure
from reconciler.cli.exec import command_line
from reconciler.cli.exits import CANNOT_TELL, ERROR
from reconciler.cli.options import Options
from reconciler.cli.session import meet, run_live
from reconciler.cli.workspace import Workspace
from reconciler.clients import Clients
from reconciler.desired import Desired, DesiredVolume
from reconciler.dialogue import Process
from reconciler.loop import look
from reconciler.observed import Observed
from reconciler.provider import ProviderError
from reconciler.secret_names import secret_names
from reconciler.target import Target, desired_target
from reconciler.task import draw_task, missing_files, missing_networks, missing_volumes
from reconciler.view import group

_NEEDED = ("instances", "networks", "volumes")


def run(options: Options) -> Report:
    """Run it. Raises Stop, ProviderError."""
    return run_live(replace(options, services=(options.service,)), report_task)


async def report_task(workspace: Workspace, clients: Clients) -> Report:
    """Supply what it lacks, run it, give its exit code. Raises Stop where the image is not built, where
    the world cannot be read, and at the deadline."""
    options, (desired, observed) = workspace.options, await meet(workspace, clients)
    _check_reading(desired, observed)
    target = _target(desired, observed, options)
    values = clients.stock.secrets(secret_names(target.form))
    for task in observed.tasks:
        if task.is_over:
            await clients.runtime.remove_task(desired.owner, task.handle)
    observed = await _supply(desired, observed, target, clients)
    blueprint = draw_task(desired, observed, target, secrets.token_hex(4))
    command = command_line(options)
    process = await clients.runtime.run_task(blueprint, values, command)
    try:
        code = await _talk(workspace, process, command.terminal is not None, target)
    finally:
        await asyncio.shield(process.close())
    return Report(code, owner=desired.owner, commit=desired.commit, at=observed.at, streamed=True)


async def _talk(workspace: Workspace, process: Process, has_terminal: bool, target: Target) -> int:
    """Until it ends; at the deadline it is asked to end and then made to."""
    grace = target.form.spec.stop_grace_period or GRACE
    deadline = workspace.options.deadline
    talking = asyncio.create_task(converse(process, has_terminal, grace))
    try:
        done, _ = await asyncio.wait([talking], timeout=deadline)
        if done:
            return talking.result()
        if await process.signal("SIGTERM"):
            await asyncio.wait([talking], timeout=grace)
    finally:
        talking.cancel()
        await asyncio.wait([talking])
    where, owner = f"task of Service {target.service.name}", workspace.owner
    problem = failure(
        "CLI009", where, f"it ran longer than {deadline:g} s", "an end in time", "--timeout TIME"
    )
    raise Stop(ERROR, (problem,), owner, workspace.desired.commit)


def _check_reading(desired: Desired, observed: Observed) -> None:
    """Making what seems to be missing because it could not be read would double it."""
    unread = [entry for entry in observed.unreadable if entry.what in _NEEDED]
    if unread:
        problem = failure("CLI011", unread[0].what, unread[0].reason, f"{unread[0].what} that can be read")
        raise Stop(CANNOT_TELL, (problem,), desired.owner, desired.commit)


def _target(desired: Desired, observed: Observed, options: Options) -> Target:
    service = desired.services[options.service]
    view = group(observed).of(service.name)
    target = desired_target(service, view, observed, desired.commit)
    if target.image is None:
        reference = str(service.image.ref)
        reasons = [e.reason for e in observed.unreadable if e.what == f"artifact:{reference}"]
        seen = reasons[0] if reasons else f"its image {reference} is not in its registry"
        remedy = f"reconciler apply {options.environment}"
        problem = failure("CLI008", f"Service {service.name}", seen, "an image", remedy)
        raise Stop(ERROR, (problem,), desired.owner, desired.commit)
    return target


async def _supply(desired: Desired, observed: Observed, target: Target, clients: Clients) -> Observed:
    """Make what is missing; making what another makes at the same time is success. Raises ProviderError."""
    runtime, owner, image = clients.runtime, desired.owner, target.image
    if image is None:
        raise ProviderError("CLI008", f"Service {target.service.name}", "its image is not known")
    if str(image) not in await runtime.images([str(image)]):
        await runtime.pull(image, await clients.login(image))
    networks = missing_networks(target, observed)
    for use in networks:
        await runtime.create_network(owner, desired.networks[use.name])
    for mount in missing_volumes(target, observed):
        volume = desired.volumes.get(mount.name) or DesiredVolume(mount.name, mount.object_name)
        await runtime.create_volume(owner, volume)
    for files in missing_files(target, observed):
        entries = await clients.stock.entries(files.digest)
        await runtime.publish_files(owner, files.volume, entries, str(image))
    return await look(desired, clients) if networks else observed

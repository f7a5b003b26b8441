"""Tasks: a service's image, environment, files, secrets and networks, and another command. Never an instance.

A task bears no label of a service, so no look takes it for an instance; it publishes nothing, and answers to
no name of its service on any network. The engine removes it when it ends, also when who ran it is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from providers.docker import apart
from providers.docker.containers import Containers
from providers.docker.faults import mask
from providers.docker.instances import prepare
from providers.docker.listing import container_name
from providers.docker.processes import begin
from providers.docker.tree import Node, branch, text, text_map, whole
from reconciler import ownership
from reconciler.actions import Blueprint
from reconciler.desired import Json
from reconciler.dialogue import CommandLine, Process
from reconciler.observed import Handle, LiveTask
from reconciler.ownership import Owner, is_ours
from reconciler.provider import ProviderError

NEVER_STARTED = 600.0
"""Seconds after which a task that was created and never started counts as left behind."""
_OVER = ("exited", "dead")


async def run(
    containers: Containers, blueprint: Blueprint, secrets: Mapping[str, str], command: CommandLine
) -> Process:
    """Create, fill, attach and start. Raises as creating an instance does; then nothing is left."""
    try:
        return await _run(containers, blueprint, secrets, command)
    except ProviderError as error:
        raise mask(error, secrets.values()) from None


async def _run(
    containers: Containers, blueprint: Blueprint, secrets: Mapping[str, str], command: CommandLine
) -> Process:
    prepared = await prepare(containers, blueprint, secrets)
    body = task_payload(prepared.body, blueprint, command)
    made = await apart.create(containers, blueprint, prepared, body)
    handle = Handle("", made)
    try:
        await apart.complete(containers, made, blueprint, prepared, secrets)
        return await begin(containers, handle, blueprint.name, command.terminal)
    except BaseException:
        await asyncio.shield(containers.remove(made))
        raise


async def remove(containers: Containers, owner: Owner, handle: Handle) -> None:
    """Remove a task, running or not; gone already is success. Raises Stale when it is none of ours."""
    if await containers.owned(owner, handle) is not None:
        await containers.remove(handle.id)


def task_payload(body: Mapping[str, Json], blueprint: Blueprint, command: CommandLine) -> dict[str, Json]:
    """The body of an instance's create call made a task's: it speaks with who runs it, and goes when it
    ends."""
    made = apart.apart(body, _labels(blueprint), command.words)
    made |= {
        "Tty": command.terminal is not None,
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "OpenStdin": True,
        "StdinOnce": True,
        "HostConfig": {**branch(made, "HostConfig"), "AutoRemove": True, "LogConfig": _NO_LOG},
    }
    if command.entrypoint is not None:
        made["Entrypoint"] = list(command.entrypoint)
    if command.user is not None:
        made["User"] = command.user
    if command.workdir is not None:
        made["WorkingDir"] = command.workdir
    return made


_NO_LOG: dict[str, Json] = {"Type": "none"}
"""Its output goes to who runs it: nothing of it stays on the host."""


def _labels(blueprint: Blueprint) -> dict[str, Json]:
    return {
        ownership.OWNER: str(blueprint.owner),
        ownership.ROLE: ownership.TASK,
        ownership.NAME: blueprint.service_name,
        ownership.COMMIT: blueprint.commit,
        ownership.BY: "reconciler",
    }


def is_task(container: Node, owner: Owner) -> bool:
    """Whether a listed container is a task of this owner's."""
    labels = text_map(container, "Labels")
    return is_ours(labels, owner) and labels.get(ownership.ROLE) == ownership.TASK


def find_all(containers: Iterable[Node], owner: Owner, host: str, now: float) -> tuple[LiveTask, ...]:
    """The tasks among the listed containers."""
    found = [
        LiveTask(
            text_map(container, "Labels").get(ownership.NAME, ""),
            container_name(container),
            Handle(host, text(container, "Id")),
            _is_over(container, now),
        )
        for container in containers
        if is_task(container, owner)
    ]
    return tuple(sorted(found, key=lambda task: task.object_name))


def _is_over(container: Node, now: float) -> bool:
    state = text(container, "State")
    return state in _OVER or (state == "created" and now - whole(container, "Created") > NEVER_STARTED)

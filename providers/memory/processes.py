"""Log records, and commands in containers in memory: in an instance, and as a task of their own."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from providers.memory import birth
from providers.memory.behaviour import Ended
from providers.memory.container import Container, Endpoint
from providers.memory.errors import not_running
from providers.memory.ground import Ground
from reconciler import ownership
from reconciler.actions import Blueprint
from reconciler.dialogue import CommandLine, LogQuery, LogRecord, Piece, Process, Signal, Size
from reconciler.observed import Handle, LiveTask, Phase
from reconciler.ownership import Owner
from reconciler.provider import ProviderError

_NANO = 1_000_000_000
_TICK = 0.01
_OVER = (Phase.EXITED, Phase.DEAD)
_NEVER_STARTED = 600.0


async def records(ground: Ground, container_id: str, query: LogQuery) -> AsyncGenerator[LogRecord, None]:
    """What a container wrote, oldest first; with ``follow`` until it ends."""
    told = 0
    while (container := ground.containers.get(container_id)) is not None:
        ground.elapse()
        first = max(0, len(container.log) - query.tail) if query.tail is not None and not told else told
        for number in range(first, len(container.log)):
            at = round(container.written[number] * _NANO) + number
            record = LogRecord(at, "stdout", container.log[number])
            if query.since is None or record.at >= query.since:
                yield record
        told = len(container.log)
        if not query.follow or not container.alive:
            return
        await asyncio.sleep(_TICK)


@dataclass(slots=True)
class MemoryProcess:
    """A command whose program the image's behaviour knows. It runs once its input has ended."""

    command: CommandLine
    container: Container
    task_of: Ground | None = None
    """The ground of a task, which goes when it ends."""
    given: bytearray = field(default_factory=bytearray)
    sizes: list[Size] = field(default_factory=list)
    ended: asyncio.Future[Ended] = field(default_factory=asyncio.Future)

    async def output(self) -> AsyncIterator[Piece]:
        """What its program writes."""
        ended = await self.ended
        if ended.out:
            yield Piece("stdout", ended.out)
        if ended.err:
            yield Piece("stdout" if self.command.terminal else "stderr", ended.err)

    async def write(self, content: bytes) -> None:
        """Give it input."""
        self.given += content

    async def end_input(self) -> None:
        """Run the program; one that is not known is not found."""
        program = self.container.behaviour.runs.get(self.command.words)
        ended = (
            Ended(127, err=b"not found\n")
            if program is None
            else program(self.container.files, bytes(self.given))
        )
        if ended is not None:
            self._end(ended)

    async def resize(self, size: Size) -> None:
        """Remember it."""
        self.sizes.append(size)

    async def signal(self, name: Signal) -> bool:
        """End it."""
        self._end(Ended(128 + signal.Signals[name]))
        return True

    async def exit_code(self) -> int:
        """The code with which it ended."""
        return (await self.ended).code

    async def close(self) -> None:
        """Remove a task; a command in an instance goes on."""
        if self.task_of is not None:
            self.task_of.containers.pop(self.container.id, None)

    def _end(self, ended: Ended) -> None:
        if not self.ended.done():
            self.ended.set_result(ended)
            if self.task_of is not None:
                self.task_of.containers.pop(self.container.id, None)


async def execute(ground: Ground, owner: Owner, container_id: str, command: CommandLine) -> Process:
    """Start a command. Raises Stale for one that is gone or not ours, ProviderError for one that is not
    running."""
    container = ground.owned(owner, container_id)
    if container.phase is not Phase.RUNNING:
        raise not_running(container.name, container.phase.value)
    return await ground.call("execute", "start", container.name, partial(MemoryProcess, command, container))


async def run_task(
    ground: Ground, blueprint: Blueprint, secrets: Mapping[str, str], command: CommandLine
) -> Process:
    """create, connect (each further network), start."""
    verb, name = "run_task", blueprint.name
    container = await ground.call(verb, "create", name, lambda: _create(ground, blueprint))
    for use in blueprint.form.networks[1:]:
        key = birth.network_key(blueprint, use)
        await ground.call(verb, "connect", name, partial(birth.join, ground, container, key, ()))
    container.files.update({u.target: secrets[u.secret_name].encode() for u in blueprint.form.secrets})
    try:
        await ground.call(verb, "start", name, lambda: birth.start(ground, container))
    except ProviderError:
        ground.containers.pop(container.id, None)
        raise
    return MemoryProcess(command, container, ground)


def _create(ground: Ground, blueprint: Blueprint) -> Container:
    container = birth.create(ground, blueprint)
    container.labels = {
        ownership.OWNER: str(blueprint.owner),
        ownership.ROLE: ownership.TASK,
        ownership.NAME: blueprint.service_name,
    }
    container.restart, container.has_check, container.ports = "no", False, frozenset()
    for key, endpoint in container.networks.items():
        container.networks[key] = Endpoint(endpoint.network)
    return container


async def remove_task(ground: Ground, owner: Owner, container_id: str) -> None:
    """Remove a task; gone already is success."""
    if container_id in ground.containers:
        name = ground.owned(owner, container_id).name
        await ground.call("remove_task", "remove", name, lambda: ground.containers.pop(container_id, None))


def find_tasks(ground: Ground, owner: Owner) -> Iterator[LiveTask]:
    """The tasks of this owner."""
    for container in ground.containers.values():
        labels = container.labels
        if labels.get(ownership.ROLE) == ownership.TASK and ownership.is_ours(labels, owner):
            young = ground.now - container.created_at <= _NEVER_STARTED
            is_over = container.phase in _OVER or (container.phase is Phase.CREATED and not young)
            handle = Handle(ground.host, container.id)
            yield LiveTask(labels.get(ownership.NAME, ""), container.name, handle, is_over)

"""Verb ``logs``: what instances have written; with ``--follow`` also what they write from now on."""

from __future__ import annotations

import asyncio
import heapq
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field

from reconciler.cli.envelope import Report, Stop, failure, problem_lines, problem_of, warning
from reconciler.cli.exits import DONE, ERROR
from reconciler.cli.instances import choose, look_at_instances
from reconciler.cli.log_printer import Printer
from reconciler.cli.options import Options
from reconciler.cli.session import run_live, stdout_style
from reconciler.cli.since import read_since
from reconciler.cli.workspace import Workspace
from reconciler.clients import Clients
from reconciler.dialogue import LogQuery, LogRecord
from reconciler.observed import Instance, Phase
from reconciler.provider import ProviderError, World
from specs.problem import Problem

_LOOK_AGAIN = 1.0
"""Seconds between two looks for instances that are new."""
_NANO = 1_000_000_000
_ALIVE = (Phase.RUNNING, Phase.PAUSED, Phase.RESTARTING)


def run(options: Options) -> Report:
    """Print the records. Raises Stop, ProviderError."""
    return run_live(options, report_logs)


async def report_logs(workspace: Workspace, clients: Clients) -> Report:
    """History first, by time; then what comes. A log that cannot be read stops no other: exit 1. Raises
    Stop for an unknown service, ProviderError."""
    options = workspace.options
    world = await look_at_instances(workspace, clients)
    chosen = _choose(workspace, world)
    since = None if options.since is None else read_since(options.since, world.at)
    reading = Reading(workspace, clients, Printer.of(workspace, stdout_style(options)), since)
    for entry in world.unreadable:
        name = entry.what.removeprefix("service:")
        if name != entry.what and options.service in ("", name):
            reading.tell(
                failure("CLI011", f"Service {name}", entry.reason, "instances that can be read"), name
            )
    if not chosen and not options.follow and not reading.failed:
        reading.tell(warning("CLI010", options.service or str(workspace.owner), "no instance is here"))
    await reading.tell_history(chosen, options.tail)
    if options.follow:
        await reading.follow(chosen, world)
    return Report(
        ERROR if reading.failed else DONE,
        owner=workspace.owner,
        commit=workspace.desired.commit,
        at=world.at,
        mode=workspace.source.mode,
        problems=tuple(reading.failed.values()) if options.as_json else (),
        streamed=True,
    )


def _choose(workspace: Workspace, world: World) -> list[Instance]:
    options = workspace.options
    return choose(workspace.desired, world.instances, options.service, options.instance)


@dataclass(slots=True)
class Reading:
    """What is read, and how far: ``told`` maps an instance's id to the time of its newest record."""

    workspace: Workspace
    clients: Clients
    printer: Printer
    since: int | None
    told: dict[str, int] = field(default_factory=dict)
    failed: dict[str, Problem] = field(default_factory=dict)
    drained: set[tuple[str, float | None]] = field(default_factory=set)
    """Instances by id and start whose end was read: they write no more."""

    async def tell_history(self, chosen: Sequence[Instance], tail: int | None) -> None:
        """Print what there is, in the order of time across instances."""
        self.printer.fit(chosen)
        streams = [(i, self._records(i, LogQuery(self.since, tail))) for i in chosen]
        async for instance, record in merge(streams):
            self._show(instance, record)
        self.printer.flush()

    async def follow(self, chosen: Sequence[Instance], world: World) -> None:
        """Print what comes, also of instances that come; until cancelled."""
        if self.workspace.options.tail == 0:
            self.told.update({i.handle.id: round(world.at * _NANO) for i in chosen})
        try:
            await self._follow(chosen)
        except BaseExceptionGroup as group:
            if group.subgroup(BrokenPipeError):
                raise BrokenPipeError from None
            raise

    async def _follow(self, chosen: Sequence[Instance]) -> None:
        async with asyncio.TaskGroup() as group:
            followed: dict[str, asyncio.Task[None]] = {}
            while True:
                self.printer.fit(chosen)
                for instance in chosen:
                    key, begun = instance.handle.id, followed.get(instance.handle.id)
                    if (begun is None or begun.done()) and self._goes_on(instance):
                        followed[key] = group.create_task(self._follow_one(instance))
                await asyncio.sleep(_LOOK_AGAIN)
                chosen = await self._look_again(chosen)

    def _goes_on(self, instance: Instance) -> bool:
        """Whether it writes, or has ended without its end being read."""
        if instance.started_at is None:
            return False
        return instance.phase in _ALIVE or (instance.handle.id, instance.started_at) not in self.drained

    async def _look_again(self, chosen: Sequence[Instance]) -> Sequence[Instance]:
        """The instances that there are now; the same as before while they cannot be read."""
        try:
            world = await look_at_instances(self.workspace, self.clients)
        except (ProviderError, Stop) as error:
            problem = error.problems[0] if isinstance(error, Stop) else problem_of(error)
            self.tell(
                warning(problem.code, str(problem.subject), problem.seen, "it is tried again"), once="look"
            )
            return chosen
        self.failed.pop("look", None)
        return _choose(self.workspace, world)

    async def _follow_one(self, instance: Instance) -> None:
        at = self.told.get(instance.handle.id)
        since = self.since if at is None else at + 1
        async with aclosing(self._records(instance, LogQuery(since, None, follow=True))) as records:
            async for record in records:
                self._show(instance, record)
                self.printer.flush()
        if instance.phase not in _ALIVE:
            self.drained.add((instance.handle.id, instance.started_at))

    def _show(self, instance: Instance, record: LogRecord) -> None:
        self.told[instance.handle.id] = max(record.at, self.told.get(instance.handle.id, 0))
        self.printer.show(instance, record)

    async def _records(self, instance: Instance, query: LogQuery) -> AsyncGenerator[LogRecord, None]:
        try:
            async with aclosing(self.clients.runtime.records(instance.handle, query)) as records:
                async for record in records:
                    yield record
        except ProviderError as error:
            self.tell(problem_of(error), once=instance.handle.id)

    def tell(self, problem: Problem, once: str = "") -> None:
        """Say it on stderr while records go to stdout; what has a key once, and remembered as failed."""
        if once and once in self.failed:
            return
        if once:
            self.failed[once] = problem
        if not self.workspace.options.as_json:
            sys.stderr.writelines(f"{line}\n" for line in problem_lines([problem]))


async def merge(
    streams: Sequence[tuple[Instance, AsyncGenerator[LogRecord, None]]],
) -> AsyncGenerator[tuple[Instance, LogRecord], None]:
    """The records of all streams by time; each stream is ordered already, and one record of each is held."""
    async with AsyncExitStack() as stack:
        heads: list[tuple[int, int, LogRecord]] = []
        for number, (_, stream) in enumerate(streams):
            stack.push_async_callback(stream.aclose)
            if (record := await anext(stream, None)) is not None:
                heapq.heappush(heads, (record.at, number, record))
        while heads:
            _, number, record = heapq.heappop(heads)
            yield streams[number][0], record
            if (following := await anext(streams[number][1], None)) is not None:
                heapq.heappush(heads, (max(following.at, record.at), number, following))

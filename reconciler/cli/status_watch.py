"""``status --watch``: the status as it changes, until it is interrupted.

Another look is taken when the engine tells of something, when a countdown ends, and every few seconds
without; between looks only the countdowns go on.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, TextIO

from reconciler.cli.envelope import Report, Stop, dump, envelope, problem_lines, problem_of
from reconciler.cli.exits import CANNOT_TELL, DONE
from reconciler.cli.options import Options
from reconciler.cli.session import meet, open_docker
from reconciler.cli.status import report_seen
from reconciler.cli.workspace import Workspace, open_workspace
from reconciler.clients import ReadClients, Readers
from reconciler.desired import Desired, Json
from reconciler.observed import Observed
from reconciler.ownership import Owner
from reconciler.provider import ProviderError, ReadRuntime
from reconciler.reading import reading_registry
from specs.problem import Problem

TICK: Final = 5.0
"""Seconds between two looks of which nobody said that they were worth it."""
_REDRAW: Final = 1.0
_GATHER: Final = 0.3
_CLEAR: Final = "\x1b[H\x1b[J"


def watch_status(options: Options) -> Report:
    """Show it until interrupted. Raises Stop, ProviderError where there is nothing to be shown at all."""
    workspace = open_workspace(options)
    asyncio.run(_watch(workspace))
    return Report(DONE, streamed=True)


@dataclass(slots=True)
class Screen:
    """Where it is shown: drawn again on a terminal, else written whenever it is different."""

    stream: TextIO
    as_json: bool
    _shown: object = None

    @property
    def is_terminal(self) -> bool:
        """It can be drawn again."""
        return not self.as_json and self.stream.isatty()

    def show(self, report: Report) -> None:
        """Raises OSError when nobody reads any more."""
        different = _without_times(report)
        if self.is_terminal:
            lines = "".join(f"{line}\n" for line in problem_lines(report.problems))
            self.stream.write(f"{_CLEAR}{lines}{report.text}")
        elif different != self._shown:
            words = report.text or "".join(f"{line}\n" for line in problem_lines(report.problems))
            gap = "\n" if self._shown is not None else ""
            self.stream.write(f"{dump(envelope('status', report))}\n" if self.as_json else f"{gap}{words}")
        self._shown = different
        self.stream.flush()


@dataclass(slots=True)
class Watch:
    """What is looked at, and what was seen last."""

    workspace: Workspace
    readers: Readers
    screen: Screen
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    seen: tuple[Desired, Observed] | None = None
    looked_at: float = 0.0
    problems: tuple[Problem, ...] = ()
    """Why the newest commit, or the engine, could not be read."""

    @property
    def clients(self) -> ReadClients:
        """Of the newest workspace, by the one connection."""
        return replace(self.readers, registry=reading_registry(self.workspace.registries.open))

    async def look(self) -> None:
        """Look again; what cannot be read is told, and the last that could be stays."""
        try:
            self.seen, self.problems = await meet(self.workspace, self.clients), ()
        except ProviderError as error:
            self.problems = (problem_of(error),)
        self.looked_at = asyncio.get_running_loop().time()

    async def turn_to_newest(self) -> None:
        """Read the commit again, as git may have another one."""
        try:
            newest = await asyncio.to_thread(partial(open_workspace, self.workspace.options))
        except Stop as stop:
            self.problems = (*self.problems, *stop.problems)
            return
        except ProviderError as error:
            self.problems = (*self.problems, problem_of(error))
            return
        if newest.desired.commit != self.workspace.desired.commit:
            newest, self.workspace = self.workspace, newest
        await newest.registries.close()

    def draw(self) -> float | None:
        """Show what was seen as it is by now; the seconds until the next countdown ends, if there is one."""
        if self.seen is None:
            self.screen.show(Report(CANNOT_TELL, problems=self.problems, owner=self.workspace.owner))
            return None
        desired, observed = self.seen
        now = observed.at + asyncio.get_running_loop().time() - self.looked_at
        report = report_seen(self.workspace, self.clients, desired, observed, now)
        worst = CANNOT_TELL if self.problems else report.exit
        self.screen.show(replace(report, exit=worst, problems=(*report.problems, *self.problems)))
        return next_countdown(report)


async def _watch(workspace: Workspace) -> None:
    readers = workspace.readers(open_docker)
    watch = Watch(workspace, readers, Screen(sys.stdout, workspace.options.as_json))
    hints = asyncio.create_task(_listen(readers.runtime, workspace.owner, watch.wake))
    try:
        while True:
            await watch.look()
            await watch.turn_to_newest()
            await _draw_until_due(watch)
    finally:
        hints.cancel()
        await watch.workspace.registries.close()
        await readers.runtime.close()


async def _draw_until_due(watch: Watch) -> None:
    """Redraw until something may have happened."""
    loop = asyncio.get_running_loop()
    due = watch.looked_at + TICK
    while loop.time() < due:
        countdown = watch.draw()
        if countdown is not None:
            due = min(due, loop.time() + max(_GATHER, countdown))
        is_drawn = watch.screen.is_terminal and countdown is not None
        pause = max(0.0, min(due - loop.time(), _REDRAW if is_drawn else TICK))
        with suppress(TimeoutError):
            await asyncio.wait_for(watch.wake.wait(), pause)
        if watch.wake.is_set():
            await asyncio.sleep(_GATHER)  # events come in groups, and one look serves them all
            watch.wake.clear()
            return


async def _listen(runtime: ReadRuntime, owner: Owner, wake: asyncio.Event) -> None:
    """The engine's events are hints; without them there is still the slow tick."""
    while True:
        with suppress(ProviderError):
            async for _ in runtime.watch(owner):
                wake.set()
        await asyncio.sleep(TICK)


def next_countdown(report: Report) -> float | None:
    """Seconds until the first countdown of any service ends."""
    services = report.members.get("services")
    left: list[float] = []
    for service in services if isinstance(services, list) else ():
        counted = service.get("countdowns") if isinstance(service, dict) else None
        if isinstance(counted, dict):
            left += [float(v) for v in counted.values() if isinstance(v, (int, float)) and v > 0]
    return min(left, default=None)


def _without_times(report: Report) -> object:
    """What makes one report another one: everything but the hour, and what counts down."""
    services = report.members.get("services")
    shown: list[Mapping[str, Json]] = [
        {key: value for key, value in service.items() if key != "countdowns"}
        for service in (services if isinstance(services, list) else ())
        if isinstance(service, dict)
    ]
    rest = {key: value for key, value in report.members.items() if key not in ("services", "observed_at")}
    return (report.exit, report.commit, report.problems, report.unreadable, rest, shown)

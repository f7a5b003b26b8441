"""What people say to what runs, and hear: log records, commands with their streams, the runtime's facts.

``reconciler.provider`` passes these on to a provider's author.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from reconciler.actions import Blueprint
from reconciler.observed import Handle
from reconciler.ownership import Owner

StreamName = Literal["stdout", "stderr"]
Signal = Literal["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGKILL"]
MAX_LINE = 1 << 20
"""Bytes of one line of a log; a longer one comes in pieces."""


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which records are wanted. ``since`` is in nanoseconds since 1970 on the runtime's clock, inclusive;
    ``tail`` the number of newest lines; with ``follow`` they go on until the instance ends."""

    since: int | None = None
    tail: int | None = None
    follow: bool = False


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One line that an instance wrote, without its line end. ``at`` is in nanoseconds since 1970 on the
    runtime's clock. The output of a terminal is all stdout. The line is as it was written: it may hold
    terminal sequences."""

    at: int
    stream: StreamName
    line: str


@dataclass(frozen=True, slots=True)
class Size:
    """A terminal's size in characters."""

    rows: int
    columns: int


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A command to run in a container. ``terminal`` is the size of the terminal that it gets, None for
    plain streams; ``user`` and ``workdir`` None are the container's own."""

    words: tuple[str, ...]
    terminal: Size | None = None
    user: str | None = None
    workdir: str | None = None
    entrypoint: tuple[str, ...] | None = None
    """For tasks: instead of the service's or the image's; None leaves it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes that a command wrote."""

    stream: StreamName
    content: bytes = field(repr=False)


class Process(Protocol):
    """A command that runs in a container, with its streams. Every method raises ProviderError."""

    def output(self) -> AsyncIterator[Piece]:
        """What it writes, until it has closed its streams. To be iterated once."""
        ...

    async def write(self, content: bytes) -> None:
        """Give it input; waits while it does not read. Nothing happens once it has ended."""
        ...

    async def end_input(self) -> None:
        """It reads the end of its input; its output goes on."""
        ...

    async def resize(self, size: Size) -> None:
        """Its terminal has another size."""
        ...

    async def signal(self, name: Signal) -> bool:
        """Send it a signal; False where that cannot be done (then it goes on)."""
        ...

    async def exit_code(self) -> int:
        """Wait until it has ended; the code with which it did."""
        ...

    async def close(self) -> None:
        """Let go of it. A task that still runs is ended and removed; a command in an instance is not."""
        ...


@dataclass(frozen=True, slots=True)
class RuntimeFacts:
    """What a runtime says of itself. ``skew`` is its clock less ours in seconds; ``disk`` the free and the
    whole bytes of where its objects lie, None where that cannot be seen from here; ``lacks`` what it
    cannot limit, in words; ``warnings`` its own."""

    version: str
    api: str
    skew: float
    disk: tuple[int, int] | None = None
    lacks: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Dialogue(Protocol):
    """The part of a runtime through which people talk to what runs."""

    def records(self, handle: Handle, query: LogQuery) -> AsyncGenerator[LogRecord, None]:
        """What an instance wrote, oldest first, as it was written; none when it is gone."""
        ...

    async def execute(self, owner: Owner, handle: Handle, command: CommandLine) -> Process:
        """Start a command in an instance that runs. Raises Stale when it is gone or not this owner's."""
        ...

    async def run_task(
        self, blueprint: Blueprint, secrets: Mapping[str, str], command: CommandLine
    ) -> Process:
        """Start a command in a container of its own, with what an instance of the blueprint would get but
        ports, aliases and labels. It is no instance, and the runtime removes it when it ends."""
        ...

    async def remove_task(self, owner: Owner, handle: Handle) -> None:
        """Remove a task of ours, running or not; gone already is success."""
        ...

    async def examine(self) -> RuntimeFacts:
        """What the runtime says of itself. Raises ProviderError when it cannot be reached."""
        ...

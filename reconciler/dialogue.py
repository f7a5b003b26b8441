"""What a person says to an instance, and hears: log records, and the streams of a command.

``reconciler.provider`` passes these on to a provider's author.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Literal, Protocol

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

"""From the engine's log streams to records: frames, times, lines that came in pieces."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain

from providers.docker.engine import Engine, Query
from providers.docker.faults import EngineError
from providers.docker.streams import Frame, Streaming, frames, open_answer
from providers.docker.tree import flag
from reconciler.dialogue import MAX_LINE, LogQuery, LogRecord, StreamName

_NANO = 1_000_000_000


async def follow(engine: Engine, container_id: str, query: LogQuery) -> AsyncGenerator[LogRecord, None]:
    """The records of one container; none when it is gone. Raises EngineError, also where its log driver
    cannot be read."""
    container = await engine.find(f"/containers/{container_id}/json")
    if container is None:
        return
    try:
        answer = await open_answer(engine, "GET", f"/containers/{container_id}/logs", _query(query))
    except EngineError as error:
        if error.status == 404:
            return
        raise
    try:
        has_terminal = flag(container, "Config", "Tty")
        async for record in read_records(answer, has_terminal):
            yield record
    finally:
        answer.close()


def _query(query: LogQuery) -> Query:
    asked: dict[str, str | int] = {"stdout": 1, "stderr": 1, "timestamps": 1, "follow": int(query.follow)}
    if query.tail is not None:
        asked["tail"] = max(0, query.tail)
    if query.since is not None:
        asked["since"] = f"{query.since // _NANO}.{query.since % _NANO:09d}"
    return asked


async def read_records(answer: Streaming, has_terminal: bool) -> AsyncGenerator[LogRecord, None]:
    """Decode a stream of the log call with times."""
    lines = {1: Lines("stdout"), 2: Lines("stderr")}
    terminal = TerminalLines()
    async for frame in frames(answer, not has_terminal):
        found = (
            terminal.feed(frame.content) if has_terminal else lines[2 if frame.stream == 2 else 1].feed(frame)
        )
        for record in found:
            yield record
    for record in chain(lines[1].end(), lines[2].end(), terminal.end()):
        yield record


@dataclass(slots=True)
class Lines:
    """The lines of one stream. A frame is one message with its time before it; a line longer than the
    engine's buffer comes in several, of which only the last ends the line."""

    stream: StreamName
    _at: int = 0
    _parts: list[bytes] = field(default_factory=list)
    _size: int = 0

    def feed(self, frame: Frame) -> Iterator[LogRecord]:
        """The line that a frame ends, if it does."""
        at, content = split_time(frame.content)
        if not self._parts:
            self._at = at
        self._parts.append(content)
        self._size += len(content)
        if content.endswith(b"\n") or self._size > MAX_LINE:
            yield from self.end()

    def end(self) -> Iterator[LogRecord]:
        """What is left when the stream ends."""
        if self._parts:
            yield LogRecord(self._at, self.stream, _text(b"".join(self._parts)))
        self._parts.clear()
        self._size = 0


@dataclass(slots=True)
class TerminalLines:
    """The lines of a container with a terminal: no frames, a time before each line."""

    _rest: bytes = b""
    _last: int = 0

    def feed(self, piece: bytes) -> Iterator[LogRecord]:
        """The lines that a piece ends."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            yield self._record(line)
        if len(self._rest) > MAX_LINE:
            yield from self.end()

    def end(self) -> Iterator[LogRecord]:
        """What is left when the stream ends."""
        if self._rest:
            yield self._record(self._rest)
        self._rest = b""

    def _record(self, line: bytes) -> LogRecord:
        at, content = split_time(line)
        self._last = at or self._last
        return LogRecord(self._last, "stdout", _text(content))


def split_time(message: bytes) -> tuple[int, bytes]:
    """The time before a message in nanoseconds, and the message; 0 where there is no time."""
    stamp, blank, rest = message.partition(b" ")
    at = read_nanoseconds(stamp.decode("ascii", "replace")) if blank or stamp.endswith(b"Z") else None
    return (0, message) if at is None else (at, rest)


def read_nanoseconds(stamp: str) -> int | None:
    """An RFC 3339 time with up to nine digits of a second as nanoseconds; None for what is none."""
    whole, dot, fraction = stamp.removesuffix("Z").partition(".")
    if not stamp.endswith("Z") or (dot and not (fraction.isdecimal() and len(fraction) <= 9)):
        return None
    try:
        seconds = int(datetime.fromisoformat(f"{whole}+00:00").timestamp())
    except ValueError:
        return None
    return seconds * _NANO + int(fraction.ljust(9, "0") or 0)


def _text(line: bytes) -> str:
    return line.removesuffix(b"\n").removesuffix(b"\r").decode("utf-8", "replace")

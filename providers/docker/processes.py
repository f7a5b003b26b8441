"""Commands in containers with their streams: in an instance that runs, and as a task of their own."""

from __future__ import annotations

import asyncio
import json
import secrets as randomness
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from providers.docker.containers import Containers
from providers.docker.engine import Engine, Query
from providers.docker.faults import EngineError, unclear
from providers.docker.half_close import end_writing
from providers.docker.streams import Streaming, frames, open_answer
from providers.docker.tree import branch, flag, text, whole
from reconciler.desired import Json
from reconciler.dialogue import CommandLine, Piece, Process, Signal, Size
from reconciler.observed import Handle
from reconciler.ownership import Owner
from reconciler.provider import ProviderError

_MARK = "RECONCILER_EXEC"
"""A variable by which a command is found again inside the container: the engine cannot signal one."""
_FIND = (
    'for p in /proc/[0-9]*; do case "$(tr "\\0" " " < "$p/environ" 2>/dev/null)" in '
    '*"$1"*) kill -s "$2" "${p#/proc/}" 2>/dev/null && found=1;; esac; done; [ -n "$found" ]'
)
_PAUSE = 0.02
_SLOWEST = 0.5
_REMOVAL = 100
"""Looks for a container whose removal has begun."""
_ANSWER = 10.0
"""Seconds within which a signal must have been sent."""


@dataclass(slots=True)
class Streams:
    """The streams of a process over one connection."""

    answer: Streaming
    has_terminal: bool

    async def output(self) -> AsyncIterator[Piece]:
        """What the process writes, until it has closed its streams."""
        async for frame in frames(self.answer, not self.has_terminal):
            yield Piece("stderr" if frame.stream == 2 else "stdout", frame.content)

    async def write(self, content: bytes) -> None:
        """Give it input; nothing happens where it has ended."""
        with suppress(OSError):
            self.answer.writer.write(content)
            await self.answer.writer.drain()

    async def end_input(self) -> None:
        """The end of its input; its output goes on."""
        with suppress(OSError):
            await end_writing(self.answer.writer)


@dataclass(slots=True)
class Spoken:
    """A process that is spoken with over its streams."""

    streams: Streams

    def output(self) -> AsyncIterator[Piece]:
        """What it writes."""
        return self.streams.output()

    async def write(self, content: bytes) -> None:
        """Give it input."""
        await self.streams.write(content)

    async def end_input(self) -> None:
        """It reads the end of its input."""
        await self.streams.end_input()


@dataclass(slots=True)
class InstanceCommand(Spoken):
    """A command in a container that runs already."""

    engine: Engine
    container_id: str
    exec_id: str
    mark: str
    user: str

    async def resize(self, size: Size) -> None:
        """Its terminal has another size; an engine that has not started it yet is asked again."""
        await _resize(self.engine, f"/exec/{self.exec_id}/resize", size)

    async def signal(self, name: Signal) -> bool:
        """Send it, and what it started, a signal through a shell in the container; False without one."""
        words = ("sh", "-c", _FIND, "sh", f"{_MARK}={self.mark}", name.removeprefix("SIG"))
        body: dict[str, Json] = {"Cmd": list(words), "User": self.user}
        try:
            async with asyncio.timeout(_ANSWER):
                killer = await self.engine.create(f"/containers/{self.container_id}/exec", body=body)
                await self.engine.write("POST", f"/exec/{killer}/start", body={"Detach": True, "Tty": False})
                return await _exec_code(self.engine, killer) == 0
        except (EngineError, TimeoutError):
            return False

    async def exit_code(self) -> int:
        """The code with which it ended."""
        return await _exec_code(self.engine, self.exec_id)

    async def close(self) -> None:
        """Close the connection; the command goes on without it."""
        self.streams.answer.close()


async def execute(containers: Containers, owner: Owner, handle: Handle, command: CommandLine) -> Process:
    """Start a command in a running container of ours. Raises Stale, EngineError."""
    await containers.expected(owner, handle)
    engine, mark = containers.engine, randomness.token_hex(12)
    body: dict[str, Json] = {
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "Tty": command.terminal is not None,
        "Cmd": list(command.words),
        "Env": [f"{_MARK}={mark}"],
        "User": command.user or "",
        "WorkingDir": command.workdir or "",
    }
    exec_id = await engine.create(f"/containers/{handle.id}/exec", body=body)
    start: dict[str, Json] = {"Detach": False, "Tty": command.terminal is not None}
    answer = await open_answer(engine, "POST", f"/exec/{exec_id}/start", body=start, upgrade=True)
    streams = Streams(answer, command.terminal is not None)
    process = InstanceCommand(streams, engine, handle.id, exec_id, mark, command.user or "")
    if command.terminal:
        await process.resize(command.terminal)
    return process


async def _exec_code(engine: Engine, exec_id: str) -> int:
    pause = _PAUSE
    while True:
        found = await engine.read(f"/exec/{exec_id}/json")
        if not flag(found, "Running") and branch(found).get("ExitCode") is not None:
            return whole(found, "ExitCode")
        await asyncio.sleep(pause)
        pause = min(2 * pause, _SLOWEST)


async def _resize(engine: Engine, path: str, size: Size) -> None:
    """A size is a hint: an engine that will not take it changes nothing else."""
    query: Query = {"h": size.rows, "w": size.columns}
    for _ in range(5):
        try:
            await engine.write("POST", path, query)
            return
        except EngineError:
            await asyncio.sleep(0.05)


@dataclass(slots=True)
class TaskCommand(Spoken):
    """A container of its own, which the engine removes when it ends. ``waiting`` is the answer of the call
    that waits for its end, opened before its start."""

    containers: Containers
    handle: Handle
    waiting: Streaming

    async def resize(self, size: Size) -> None:
        """Its terminal has another size."""
        await _resize(self.containers.engine, f"/containers/{self.handle.id}/resize", size)

    async def signal(self, name: Signal) -> bool:
        """Send its first process a signal."""
        path = f"/containers/{self.handle.id}/kill"
        try:
            await self.containers.engine.write("POST", path, {"signal": name})
        except EngineError as error:
            if error.status in (404, 409):
                return False
            raise
        return True

    async def exit_code(self) -> int:
        """The code with which it ended. Raises EngineError when the engine cannot tell."""
        found = b""
        while piece := await self.waiting.read():
            found += piece
            if found.rstrip().endswith(b"}"):
                break
        try:
            answer: Json = json.loads(found)
        except ValueError:
            raise unclear(self.waiting.where, "no exit code of the task") from None
        if text(answer, "Error", "Message"):
            raise unclear(self.waiting.where, text(answer, "Error", "Message"))
        return whole(answer, "StatusCode")

    async def close(self) -> None:
        """Close the connections and see that it is gone, whatever it does."""
        self.streams.answer.close()
        self.waiting.close()
        await self.containers.remove(self.handle.id)
        for _ in range(_REMOVAL):
            # The engine may be at it by itself.
            if await self.containers.engine.find(f"/containers/{self.handle.id}/json") is None:
                return
            await asyncio.sleep(_PAUSE)


async def begin(containers: Containers, handle: Handle, name: str, terminal: Size | None) -> TaskCommand:
    """Attach to a container that was created, and start it: nothing that it writes is missed."""
    engine, path = containers.engine, f"/containers/{handle.id}"
    query: Query = {"stream": 1, "stdin": 1, "stdout": 1, "stderr": 1}
    answer = await open_answer(engine, "POST", f"{path}/attach", query, upgrade=True)
    try:
        waiting = await open_answer(engine, "POST", f"{path}/wait", {"condition": "next-exit"})
    except ProviderError:
        answer.close()
        raise
    task = TaskCommand(Streams(answer, terminal is not None), containers, handle, waiting)
    try:
        await containers.start(handle, name)
    except BaseException:
        answer.close()
        waiting.close()
        raise
    if terminal:
        await task.resize(terminal)
    return task


if TYPE_CHECKING:
    _processes: tuple[type[Process], ...] = (InstanceCommand, TaskCommand)

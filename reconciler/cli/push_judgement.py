"""Has what is pushed read by a process apart from the loop: with limits, and without its environment, its
secrets and its sockets."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from reconciler.cli.envelope import failure
from reconciler.cli.exits import DONE, ERROR
from reconciler.cli.git_service import Limits, limited
from reconciler.cli.judge import MAX_LINES, Question
from reconciler.cli.push_request import PushRequest
from reconciler.render import escape
from specs.run_repository import RunRepository

LIMITS: Final = Limits(cpu=60, memory=4 << 30, file=1 << 20)
_DEADLINE: Final = 60.0
_MAX_OUTPUT: Final = 256 << 10
_AT_ONCE: Final = 2


def judge_words() -> list[str]:
    """This program, as it judges."""
    return [sys.executable, "-P", "-m", "reconciler", "judge"]


@dataclass(slots=True)
class Judges:
    """At most two at once: a push waits for those before it."""

    words: Sequence[str] = field(default_factory=judge_words)
    """The command that judges."""
    limits: Limits = LIMITS
    deadline: float = _DEADLINE
    """Seconds."""
    _free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def problems(self, entry: RunRepository, request: PushRequest) -> list[str]:
        """What is wrong with what is pushed, as lines."""
        question = Question(
            entry.folder or "/",
            str(request.quarantine or ""),
            entry.ref or "",
            entry.path,
            tuple(entry.environments),
            request.updates,
        )
        async with self._free:
            try:
                async with asyncio.timeout(self.deadline):
                    status, lines = await _ask(limited(self.words, self.limits), question.write())
            except TimeoutError:
                return [_unread(f"it could not be read within {self.deadline:g} s")]
        if status == DONE:
            return []
        return lines if status == ERROR and lines else [_unread("it could not be read within the limits")]


async def _ask(words: list[str], question: bytes) -> tuple[int, list[str]]:
    """Exit status and lines. However this ends, the child has ended."""
    child = await asyncio.create_subprocess_exec(
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C",
            "HOME": "/nonexistent",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        cwd="/",
        start_new_session=True,
    )
    try:
        output = await _talk(child, question)
        status = await child.wait()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await child.wait()
    lines = output.decode("utf-8", "replace").splitlines()[: MAX_LINES + 1]
    return status, [escape(line, 4000) for line in lines]


async def _talk(child: asyncio.subprocess.Process, question: bytes) -> bytes:
    if child.stdin is None or child.stdout is None:
        return b""
    with suppress(ConnectionError):  # one that has died already says so by its status
        child.stdin.write(question)
        await child.stdin.drain()
    child.stdin.close()
    output = bytearray()
    while piece := await child.stdout.read(1 << 16):
        if len(output) < _MAX_OUTPUT:
            output += piece
    return bytes(output)


def _unread(seen: str) -> str:
    return str(failure("PUSH005", "push", seen, "specs that can", "push less at once"))

"""One git that serves a push or a fetch: fed and read in pieces. However it ends, it has ended."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

_PIECE: Final = 1 << 16
_GRACE: Final = 5.0
"""Seconds: git takes away what it has half written when it is asked to end."""


@dataclass(slots=True)
class GitChild:
    """A child that is running."""

    stdin: asyncio.StreamWriter
    stdout: asyncio.StreamReader
    pid: int
    is_cut: bool = False
    """It did not get all that was to come: it fails for that, and takes away what it has written."""

    async def feed(self, pieces: AsyncIterator[bytes]) -> None:
        """Give it all of this, no faster than it reads. Raises what the pieces raise."""
        is_listening, self.is_cut = True, True
        try:
            async for piece in pieces:
                if is_listening:
                    try:
                        self.stdin.write(piece)
                        await self.stdin.drain()
                    except ConnectionError:
                        is_listening = False  # it has ended, and its output says why
            self.is_cut = False
        finally:
            self.stdin.close()

    async def output(self, head: bytes = b"") -> AsyncIterator[bytes]:
        """``head``, then what it writes, as it comes."""
        if head:
            yield head
        while piece := await self.stdout.read(_PIECE):
            yield piece

    def end(self, number: signal.Signals) -> None:
        """Signal it and its own children."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)


@asynccontextmanager
async def open_child(words: Sequence[str], variables: Mapping[str, str]) -> AsyncIterator[GitChild]:
    """Start it; at the end it is reaped."""
    process = await asyncio.create_subprocess_exec(
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=variables,
        cwd="/",
        start_new_session=True,
    )
    if process.stdin is None or process.stdout is None:
        raise OSError("a child without pipes")
    child = GitChild(process.stdin, process.stdout, process.pid)
    try:
        yield child
    except BaseException:  # whatever it was, nobody waits for the child any more
        child.end(signal.SIGTERM)
        raise
    finally:
        await _reap(process, child)


async def _reap(process: asyncio.subprocess.Process, child: GitChild) -> None:
    try:
        await asyncio.wait_for(process.wait(), _GRACE)
    except TimeoutError:
        child.end(signal.SIGKILL)
        await process.wait()

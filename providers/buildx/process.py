"""One child process in a group of its own, which never outlives the wait for it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence

_GRACE = 5.0
_PIECE = 1 << 16


async def run(
    line: Sequence[str],
    environment: Mapping[str, str],
    deadline: float,
    take: Callable[[bytes], None] | None = None,
) -> tuple[int, bytes]:
    """Run ``line`` and give its exit status and standard output; standard error goes to ``take`` in pieces.

    ``environment`` is all that the child gets. The whole group is ended when the wait is cancelled, or after
    ``deadline`` seconds (TimeoutError). Raises FileNotFoundError and PermissionError as they come.
    """
    child = await asyncio.create_subprocess_exec(
        *line,
        env=dict(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(deadline):
            stdout, _ = await asyncio.gather(_collect(child.stdout), _drain(child.stderr, take))
            return await child.wait(), stdout
    finally:
        await asyncio.shield(_end(child))


async def _collect(stream: asyncio.StreamReader | None) -> bytes:
    """The first 64 KiB; what comes after is read and dropped."""
    kept = bytearray()

    def take(piece: bytes) -> None:
        kept.extend(piece[: _PIECE - len(kept)])

    await _drain(stream, take)
    return bytes(kept)


async def _drain(stream: asyncio.StreamReader | None, take: Callable[[bytes], None] | None) -> None:
    while stream and (piece := await stream.read(_PIECE)):
        if take:
            take(piece)


async def _end(child: asyncio.subprocess.Process) -> None:
    """Ask the group to end, then make it."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, number)
        except ProcessLookupError:
            break
        try:
            await asyncio.wait_for(child.wait(), _GRACE)
        except TimeoutError:
            continue
    await child.wait()

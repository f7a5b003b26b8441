"""A unix socket that gives scripted bytes to whoever connects, one script for each connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

HANG = b"<hang>"
CLOSE = b"<close>"


@asynccontextmanager
async def scripted(path: Path, *scripts: Sequence[bytes]) -> AsyncIterator[list[bytes]]:
    """Listen on ``path``. Each connection takes the next script; each request on it gets the next entry:
    bytes to send, HANG to say nothing, or CLOSE. Gives the request lines that came."""
    requests: list[bytes] = []
    waiting = list(scripts)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        for answer in waiting.pop(0) if waiting else ():
            head = await reader.readuntil(b"\r\n\r\n")
            requests.append(head.partition(b"\r\n")[0])
            if answer == HANG:
                await asyncio.sleep(3600)
            if answer == CLOSE:
                break
            writer.write(answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(serve, path)
    try:
        yield requests
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

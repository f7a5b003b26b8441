"""A pass with nothing to do over real containers, beside a bare list and inspect of the same; one process.

Prints seconds of ours and of the bare one, medians of rounds in turn.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from reconciler.cli.options import Options
from reconciler.cli.session import open_buildx, open_docker
from reconciler.cli.workspace import Workspace, open_workspace
from reconciler.loop import look
from reconciler.plan import plan

ROUNDS = 15
AT_ONCE = 16
"""Inspections at once, as many as help on this engine's socket."""


async def measure(workspace: Workspace, socket: str) -> tuple[float, float]:
    """Medians of both."""
    import aiohttp

    clients = workspace.clients(open_docker, open_buildx)
    session = aiohttp.ClientSession(connector=aiohttp.UnixConnector(socket, limit=AT_ONCE))
    filters = quote(json.dumps({"label": [f"reconciler.owner={workspace.owner}"]}))

    async def ours() -> None:
        observed = await look(workspace.desired, clients)
        decided = plan(workspace.desired, observed, observed.at)
        assert not observed.unreadable
        assert not decided.actions, decided.actions

    async def get(path: str) -> object:
        async with session.get(f"http://engine{path}") as answer:
            return await answer.json()

    async def bare() -> None:
        listed = await get(f"/containers/json?all=true&filters={filters}")
        assert isinstance(listed, list)
        assert listed
        await asyncio.gather(*(get(f"/containers/{row['Id']}/json") for row in listed))

    try:
        pairs = [(await _timed(ours), await _timed(bare)) for _ in range(ROUNDS)]
    finally:
        await session.close()
        await clients.runtime.close()
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


async def _timed(action: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await action()
    return time.perf_counter() - began


if __name__ == "__main__":
    opened = open_workspace(Options("plan", environment="dev", repo=sys.argv[1]))
    print(*asyncio.run(measure(opened, sys.argv[2])))

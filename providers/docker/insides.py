"""Reaching into running containers and volumes of ours: commands, and folders that are on this machine."""

from __future__ import annotations

import asyncio
import json
import os
import secrets as randomness
from collections.abc import Sequence
from contextlib import suppress

from providers.docker.archive import unpack_one
from providers.docker.containers import Containers
from providers.docker.engine import Engine
from providers.docker.faults import EngineError, not_ours
from providers.docker.line import SocketLine
from providers.docker.processes import execute
from providers.docker.tree import Node, nodes, text, text_map
from providers.docker.volumes import find
from providers.docker.wire import silent
from reconciler.dialogue import CommandLine, Process
from reconciler.observed import Handle
from reconciler.ownership import Owner, is_ours

_MOST = 64 << 20
"""Bytes of a command's output that are kept."""


async def run(
    containers: Containers,
    owner: Owner,
    handle: Handle,
    command: Sequence[str],
    stdin: bytes,
    deadline: float,
) -> tuple[int, bytes]:
    """Run a command to its end in a container of ours: its exit code and its output. What it writes to its
    error stream is dropped. Raises Stale, EngineError, also when it takes longer than ``deadline``."""
    process: Process | None = None
    try:
        async with asyncio.timeout(deadline):
            process = await execute(containers, owner, handle, CommandLine(tuple(command)))
            feeding = asyncio.create_task(_feed(process, stdin))
            try:
                written = await _output(process)
                return await process.exit_code(), written
            finally:
                feeding.cancel()
    except TimeoutError:
        raise silent(handle.id[:12], command[0], deadline) from None
    finally:
        if process is not None:
            await process.close()


async def _feed(process: Process, stdin: bytes) -> None:
    if stdin:
        await process.write(stdin)
    await process.end_input()


async def _output(process: Process) -> bytes:
    parts: list[bytes] = []
    total = 0
    async for piece in process.output():
        if piece.stream == "stdout" and total < _MOST:
            parts.append(piece.content)
            total += len(piece.content)
    return b"".join(parts)


class Folders:
    """Where volumes lie on this machine, as far as it was proved; one for each connection to an engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._proved: dict[tuple[Owner, str], str] = {}
        self._elsewhere: set[tuple[Owner, str]] = set()

    async def folder_of(self, owner: Owner, volume: str) -> str | None:
        """The folder of a volume of ours, when it is here and we may write there; else None. Raises
        EngineError, Stale for a volume that is not ours."""
        key = (owner, volume)
        if not isinstance(self._engine.line, SocketLine) or key in self._elsewhere:
            return None
        known = self._proved.get(key)
        if known is not None and _is_open(known):
            return known
        found = await find(self._engine, volume)
        if found is None:
            return None
        if not is_ours(text_map(found, "Labels"), owner):
            raise not_ours(volume)
        folder = text(found, "Mountpoint")
        if text(found, "Driver") != "local" or not folder.startswith("/") or not _is_open(folder):
            self._elsewhere.add(key)
            return None
        proved = await self._prove(volume, folder)
        if proved:
            self._proved[key] = folder
        elif proved is not None:
            self._elsewhere.add(key)
        return folder if proved else None

    async def _prove(self, volume: str, folder: str) -> bool | None:
        """Write something that nobody can guess here, and read it through the engine: an engine behind a
        socket of this machine can still be on another, and have a folder of the same name. None where no
        container that runs has the volume."""
        query = {"filters": json.dumps({"volume": [volume]})}
        for container in await self._engine.read_list("/containers/json", query):
            if place := _mounted_at(container, volume):
                return await self._is_same(text(container, "Id"), place, folder)
        return None

    async def _is_same(self, container_id: str, place: str, folder: str) -> bool | None:
        name, said = f".reconciler-{randomness.token_hex(8)}", randomness.token_hex(32)
        path = os.path.join(folder, name)
        try:
            await asyncio.to_thread(_write, path, said)
            query = {"path": f"{place.rstrip('/')}/{name}"}
            answer = await self._engine.fetch(f"/containers/{container_id}/archive", query)
            return unpack_one(answer.body) == said.encode()
        except OSError:
            return None  # such as a full disk, which says nothing of where it is
        except EngineError as error:
            if error.status == 404:
                return None if "No such container" in error.seen else False
            raise
        finally:
            with suppress(OSError):
                os.unlink(path)


def _mounted_at(container: Node, volume: str) -> str:
    """Where a running container has the whole volume; empty where it has not."""
    for mount in nodes(container, "Mounts"):
        if text(mount, "Type") == "volume" and text(mount, "Name") == volume:
            return text(mount, "Destination")
    return ""


def _is_open(folder: str) -> bool:
    return os.path.isdir(folder) and os.access(folder, os.R_OK | os.W_OK | os.X_OK)


def _write(path: str, content: str) -> None:
    held = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.write(held, content.encode())
    finally:
        os.close(held)

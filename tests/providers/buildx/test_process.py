"""A child process ends with the wait for it, and so does everything that it started."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from providers.buildx.process import run

_SCRIPT = 'sleep 60 & echo $! > "$1"; trap "" TERM; sleep 60'


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


async def test_status_output_and_environment() -> None:
    pieces: list[bytes] = []
    line = ("/bin/sh", "-c", "echo out; echo err >&2; env | grep -c . ; exit 3")
    status, output = await run(line, {"PATH": "/usr/bin:/bin"}, 10, pieces.append)
    assert status == 3
    assert output.startswith(b"out\n")
    assert b"".join(pieces) == b"err\n"
    assert "PYTEST_CURRENT_TEST" in os.environ
    _, names = await run(("/usr/bin/env",), {"A": "b"}, 10)
    assert names == b"A=b\n"


async def test_cancelling_ends_the_whole_group(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    task = asyncio.create_task(
        run(("/bin/sh", "-c", _SCRIPT, "x", str(pid_file)), {"PATH": "/usr/bin:/bin"}, 60)
    )
    while not pid_file.exists() or not pid_file.read_text().strip():
        await asyncio.sleep(0.02)
    grandchild = int(pid_file.read_text())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0.1)
    assert not _is_alive(grandchild)


async def test_the_deadline_ends_it() -> None:
    with pytest.raises(TimeoutError):
        await run(("/bin/sleep", "60"), {}, 0.2)


async def test_endless_output_is_read_and_dropped() -> None:
    taken = 0

    def take(piece: bytes) -> None:
        nonlocal taken
        taken += len(piece)

    line = ("/bin/sh", "-c", "yes | head -c 3000000; yes | head -c 3000000 >&2")
    status, output = await run(line, {"PATH": "/usr/bin:/bin"}, 20, take)
    assert (status, len(output), taken) == (0, 65536, 3_000_000)

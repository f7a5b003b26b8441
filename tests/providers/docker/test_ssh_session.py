"""Over ssh with a key that may only look: one session for many requests, broken and begun again."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ground import RunningEngine
from processes import list_pids, read_arguments
from providers.docker.endpoint import SshEndpoint
from providers.docker.engine import Engine
from providers.docker.ssh_line import SshLine
from providers.docker.ssh_rules import SshRules
from reconciler.provider import ProviderError, Refused
from ssh_server import SshServer, need_private_server

pytestmark = pytest.mark.engine


@pytest.fixture(name="server")
def _server(newest_engine: RunningEngine, tmp_path: Path) -> Iterator[SshServer]:
    need_private_server()
    with SshServer(tmp_path / "ssh") as server:
        keys = server.folder / "authorized_keys"
        (tmp_path / "engine.sock").symlink_to(newest_engine.socket)
        command = f"{sys.executable} -m reconciler readonly --socket {tmp_path / 'engine.sock'}"
        keys.write_text(f'restrict,command="{command}" {keys.read_text()}')
        server.trust()
        yield server


def gates(folder: Path) -> list[int]:
    """Processes of the gate at this test's own name of the socket, without the shells that started them."""
    found = {pid: read_arguments(pid) for pid in list_pids()}
    ours = ["-m", "reconciler", "readonly", "--socket", str(folder / "engine.sock")]
    return [pid for pid, words in found.items() if words[1:] == ours]


async def test_many_requests_share_a_session_that_is_begun_again_when_it_broke(
    server: SshServer, tmp_path: Path
) -> None:
    line = SshLine(
        SshEndpoint("127.0.0.1", "root", server.port, "/what/the/other/side/asks"),
        SshRules(False, server.folder / "identity", server.folder / "known_hosts"),
    )
    engine = Engine(line)
    try:
        answers = await asyncio.gather(*(engine.read("/info") for _ in range(40)))
        assert len({str(answer["ID"]) for answer in answers}) == 1
        assert line.reads_only
        assert server.logins() == 2, "one that finds nothing forwarded, one for all requests"
        with pytest.raises(ProviderError, match="read-only access"):
            await engine.fetch("/containers/x/logs")
        assert "ID" in await engine.read("/info"), "a refusal ends the session, and the next one begins"
        for write in (lambda: engine.write("POST", "/containers/prune"), line.address):
            with pytest.raises(Refused, match="DKR058"):
                await write()
        for pid in gates(tmp_path):
            os.kill(pid, signal.SIGKILL)
        found = await asyncio.gather(*(engine.read("/info") for _ in range(5)), return_exceptions=True)
        broken = [answer for answer in found if isinstance(answer, BaseException)]
        assert {getattr(error, "code", repr(error)) for error in broken} <= {"DKR053"}
        assert "ID" in await engine.read("/info")
    finally:
        await engine.close()
    for _ in range(500):
        if not gates(tmp_path):
            break
        await asyncio.sleep(0.02)
    assert gates(tmp_path) == [], "it ends with the connection"

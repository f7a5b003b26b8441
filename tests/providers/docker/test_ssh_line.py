"""Over ssh to a real server: one connection, what goes wrong, and that nothing of it stays behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ground import RunningEngine
from processes import list_pids, read_arguments
from providers.docker.endpoint import SshEndpoint
from providers.docker.engine import Engine
from providers.docker.ssh_line import SshLine
from providers.docker.ssh_rules import SshRules
from providers.docker.ssh_words import last_words, meaning
from reconciler.provider import ProviderError, Refused
from relay import Relay
from ssh_server import SshServer, need_private_server

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module", name="server")
def _server(newest_engine: RunningEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    need_private_server()
    with SshServer(tmp_path_factory.mktemp("ssh")) as server:
        yield server


@pytest.fixture(name="endpoint")
def _endpoint(server: SshServer, newest_engine: RunningEngine) -> SshEndpoint:
    server.trust()
    return SshEndpoint("127.0.0.1", "root", server.port, str(newest_engine.socket))


def rules(server: SshServer, identity: str = "identity") -> SshRules:
    """As a loop has them: nothing but what is named."""
    return SshRules(False, server.folder / identity, server.folder / "known_hosts")


async def fail(line: SshLine) -> ProviderError:
    """The error of the first read; nothing is left of the line."""
    engine = Engine(line)
    try:
        with pytest.raises(ProviderError) as raised:
            await engine.read("/info")
    finally:
        await engine.close()
    return raised.value


def children_of(folder: str) -> list[str]:
    """Command lines of processes that name this folder: ssh, and what ends it."""
    found = [" ".join(read_arguments(pid)) for pid in list_pids()]
    return [words for words in found if folder in words]


async def test_one_login_for_everything_and_nothing_stays(server: SshServer, endpoint: SshEndpoint) -> None:
    before = server.logins()
    line = SshLine(endpoint, rules(server))
    engine = Engine(line)
    answers = await asyncio.gather(*(engine.read("/info") for _ in range(30)))
    assert len({str(answer["ID"]) for answer in answers}) == 1
    url, _ = await line.address()
    folder = str(Path(url.removeprefix("unix://")).parent)
    assert (await line.variables(Path("/"))) == {"DOCKER_HOST": url}
    assert Path(folder).stat().st_mode & 0o777 == 0o700
    assert server.logins() == before + 1
    await engine.close()
    assert children_of(folder) == []
    assert not Path(folder).exists()


async def test_a_host_that_is_not_known_and_one_with_another_key(
    server: SshServer, endpoint: SshEndpoint
) -> None:
    (server.folder / "known_hosts").write_text("")
    unknown = await fail(SshLine(endpoint, rules(server)))
    assert isinstance(unknown, Refused)
    assert (unknown.code, "not known" in unknown.seen) == ("DKR051", True)
    assert (server.folder / "known_hosts").read_text() == ""
    server.trust("stranger")
    changed = await fail(SshLine(endpoint, rules(server)))
    assert (changed.code, "another key" in changed.seen) == ("DKR051", True)


async def test_a_key_that_is_refused(server: SshServer, endpoint: SshEndpoint) -> None:
    error = await fail(SshLine(endpoint, rules(server, "stranger")))
    assert (error.code, str(endpoint) in str(error)) == ("DKR052", True)


async def test_nobody_listens_and_a_name_that_is_none(server: SshServer, endpoint: SshEndpoint) -> None:
    refused = await fail(SshLine(replace(endpoint, port=1), rules(server)))
    assert (refused.code, "Connection refused" in refused.seen) == ("DKR053", True)
    nameless = await fail(SshLine(replace(endpoint, host="no-such-host.invalid"), rules(server)))
    assert (nameless.code, "resolve" in nameless.seen) == ("DKR053", True)


async def test_a_socket_that_is_not_there(server: SshServer, endpoint: SshEndpoint) -> None:
    error = await fail(SshLine(replace(endpoint, path="/nowhere/docker.sock"), rules(server)))
    assert (error.code, "/nowhere/docker.sock" in error.seen) == ("DKR054", True)


async def test_a_server_that_does_not_forward(
    server: SshServer, newest_engine: RunningEngine, tmp_path: Path
) -> None:
    with SshServer(tmp_path / "s", ("AllowStreamLocalForwarding no",)) as strict:
        endpoint = SshEndpoint("127.0.0.1", "root", strict.port, str(newest_engine.socket))
        error = await fail(SshLine(endpoint, rules(strict)))
    assert (error.code, "forwards to no sockets" in error.seen) == ("DKR054", True)


async def test_no_ssh_at_all(endpoint: SshEndpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (await fail(SshLine(endpoint))).code == "DKR050"


async def test_a_connection_that_is_cut_is_told_and_opened_again(
    server: SshServer, endpoint: SshEndpoint
) -> None:
    with Relay(server.port, cut_after=8000) as relay:
        known = (server.folder / "known_hosts").read_text()
        (server.folder / "known_hosts").write_text(known.replace(f":{server.port}", f":{relay.port}"))
        engine = Engine(SshLine(replace(endpoint, port=relay.port), rules(server)))
        before = server.logins()
        # A read on a connection that was open before is repeated; any other tells what broke.
        found = await asyncio.gather(*(engine.read("/info") for _ in range(20)), return_exceptions=True)
        broken = [answer for answer in found if isinstance(answer, BaseException)]
        assert {getattr(error, "code", repr(error)) for error in broken} <= {"DKR053"}
        assert "ID" in await engine.read("/info")
        assert (relay.cut_after, server.logins()) == (None, before + 2)
    with pytest.raises(ProviderError, match="DKR053"):
        await engine.read("/info")
    await engine.close()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_ssh_ends_with_us_however_we_end(server: SshServer, endpoint: SshEndpoint, number: int) -> None:
    code = (
        "import asyncio, signal, sys\nfrom pathlib import Path\n"
        "from providers.docker.endpoint import SshEndpoint\n"
        "from providers.docker.ssh_line import SshLine\nfrom providers.docker.ssh_rules import SshRules\n"
        f"rules = SshRules(False, Path({str(server.folder / 'identity')!r}),"
        f" Path({str(server.folder / 'known_hosts')!r}))\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "async def main():\n"
        f"    print((await SshLine({endpoint!r}, rules).address())[0], flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    root = Path(sys.modules["providers"].__file__ or "").parents[1]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        folder = str(Path(process.stdout.readline().strip().removeprefix("unix://")).parent)
        assert children_of(folder)
        process.send_signal(number)
        process.wait(10)
    deadline = time.monotonic() + 5
    while children_of(folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert children_of(folder) == []


def test_what_is_given_to_ssh_and_what_is_not(
    endpoint: SshEndpoint, server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILER_SECRET_A__B__C", "canary")
    monkeypatch.setenv("SSH_AUTH_SOCK", "/agent")
    assert "canary" not in str(SshRules().environment())
    assert set(rules(server).environment()) == {"PATH", "LC_ALL"}
    assert SshRules().environment()["SSH_AUTH_SOCK"] == "/agent"
    assert list(SshRules().words()) == []
    assert list(rules(server).words())[:2] == ["-F", "none"]


def test_what_ssh_says_is_not_believed_to_be_plain(endpoint: SshEndpoint) -> None:
    error = meaning(endpoint, "\x1b]0;owned\x07 banner\r\nkex: \x1b[31mbad\u202e thing\n", ended=True)
    assert (error.code, error.seen.isprintable()) == ("DKR053", True)
    assert last_words("x" * 5000) == "x" * 300
    assert last_words("") == ""

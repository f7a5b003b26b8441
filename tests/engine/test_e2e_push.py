"""git push straight to a loop on a real engine: over HTTP with a token, over the system's sshd with a key."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from e2e import Site
from ground import RunningEngine
from processes import list_pids, read_arguments
from ssh_server import SshServer, need_private_server
from warm_command import Started

pytestmark = pytest.mark.engine

_TOKEN = "token-of-ann-in-no-output"
_SECRET = "db-password-in-no-output"
_SAYING = "trap 'exit 0' TERM; echo two; echo no password: $$DB_PASSWORD; while :; do sleep 0.2; done"
_ILL = {"test": ["CMD", "false"], "interval": "300ms", "retries": 2}


@dataclass
class Pushed:
    """A site whose loop is pushed to."""

    site: Site
    process: Started
    url: str
    key: Path

    def push(self, *words: str, to: str = "", **variables: str) -> tuple[int, list[tuple[float, str]]]:
        """Exit status, and the lines that the pusher sees, each with the seconds since the push began."""
        began = time.monotonic()
        child = subprocess.Popen(
            ["git", "push", *words, to or self.url, "main"],
            cwd=self.site.repository.path,
            env={**self.site.variables, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert child.stdout is not None
        lines = [(time.monotonic() - began, line.rstrip()) for line in child.stdout]
        return child.wait(60), lines


@pytest.fixture(name="pushed")
def _pushed(newest_engine: RunningEngine, registry_host: str, tmp_path: Path) -> Iterator[Pushed]:
    with Site(newest_engine, registry_host) as site, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        key = tmp_path / "identity.pub"
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key.with_suffix(""))], check=True
        )
        (site.folder / "ann").write_text(_TOKEN)
        sees = {"repositories": ["shop"], "environments": ["dev"]}
        document = {
            "apiVersion": "reconciler/v1",
            "kind": "Run",
            "metadata": {"name": "main"},
            "spec": {
                "listen": f"127.0.0.1:{port}",
                "repositories": [
                    {
                        "name": "shop",
                        "folder": str(site.folder / "shop.git"),
                        "receive": True,
                        "bounds": "any",
                        "endpoints": {"dev": f"unix://{site.engine.socket}"},
                    }
                ],
                "pushers": [
                    {"name": "ann", "token": str(site.folder / "ann"), **sees},
                    {"name": "bob", "key": key.read_text().strip(), "repositories": ["shop"]},
                ],
            },
        }
        (site.folder / "run.yaml").write_text(json.dumps(document))
        process = site.start("run", "--config", str(site.folder / "run.yaml"))
        url = f"http://ann:{_TOKEN}@127.0.0.1:{port}/git/shop.git"
        try:
            _until_there(port)
            yield Pushed(site, process, url, key)
        finally:
            process.terminate()
            said = "".join(process.communicate(timeout=60))
        assert "Traceback" not in said, said
        assert _TOKEN not in said
        assert _SECRET not in said
        assert not [pid for pid in list_pids() if str(site.folder / "shop.git") in read_arguments(pid)]


def _until_there(port: int) -> None:
    limit = time.monotonic() + 30
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < limit, "nobody listens"
        time.sleep(0.05)


def test_a_push_shows_build_rollout_and_why_it_failed_as_it_happens(pushed: Pushed) -> None:
    site = pushed.site
    site.declare("Registry", "main", provider="oci", url=site.registry)
    site.secret("db-password", _SECRET)
    site.image("app", {"Dockerfile": "FROM {busybox}\nRUN echo in the build; sleep 1\n"})
    site.service("web", image="app", environment={"DB_PASSWORD": {"secret": "db-password"}})
    site.commit()
    status, lines = pushed.push("--push-option=plan-only")
    said = "\n".join(line for _, line in lines)
    assert (status != 0, "build" in said, "PUSH006" in said) == (True, True, True), said
    assert site.inventory()["containers"] == set()

    status, lines = pushed.push()
    said = "\n".join(line for _, line in lines)
    assert status == 0, said
    assert "in the build" in said
    assert "dev: settled" in said
    assert "remote: ok" in said
    when = {word: min(at for at, line in lines if word in line) for word in ("build app", "dev: settled")}
    assert when["dev: settled"] - when["build app"] > 1.0, "as it happens, not at the end"

    password = {"DB_PASSWORD": {"secret": "db-password"}}
    site.service("web", _SAYING, image="app", environment=password, healthcheck=_ILL)
    site.commit()
    status, lines = pushed.push()
    said = "\n".join(line for _, line in lines)
    assert status == 0, said
    assert "rolled_back" in said, said
    assert "| web: two" in said
    assert "| web: no password:" in said
    assert "remote: failed" in said
    assert _SECRET not in said


def test_over_ssh_a_key_may_push_and_do_nothing_else(pushed: Pushed, tmp_path: Path) -> None:
    need_private_server()
    site = pushed.site
    site.service("web")
    site.commit()
    keys = site.run("authorized-keys", "--config", str(site.folder / "run.yaml")).out
    assert keys.startswith('restrict,command="')
    with SshServer(tmp_path / "ssh") as server:
        for name in ("identity", "identity.pub"):
            (server.folder / name).write_bytes(pushed.key.with_name(name).read_bytes())
        (server.folder / "authorized_keys").write_text(keys)
        ssh = f"ssh -F {server.folder / 'config'}"
        url = "ssh://engine-1/shop.git"
        status, lines = pushed.push(to=url, GIT_SSH_COMMAND=ssh)
        said = "\n".join(line for _, line in lines)
        assert status == 0, said + server.log
        assert "no environment that you see follows it" in said, "bob sees none"
        site.service("web", replicsa=2)
        site.commit()
        status, lines = pushed.push(to=url, GIT_SSH_COMMAND=ssh)
        said = "\n".join(line for _, line in lines)
        assert (status != 0, "SPEC012" in said) == (True, True), said
        fetched = _run(site, "git", "ls-remote", url, GIT_SSH_COMMAND=ssh)
        assert "refs/heads/main" in fetched.stdout, fetched.stderr
        for asked in (
            "id",
            "",
            "git-receive-pack '/etc'",
            "git-receive-pack 'none.git'",
            "git-receive-pack 'shop.git'; id",
            "git-upload-archive 'shop.git'",
        ):
            done = _run(site, *ssh.split(), "engine-1", *([asked] if asked else []))
            assert done.returncode != 0, asked
            assert "PUSH001" in done.stderr, (asked, done.stderr)
            assert "uid=" not in done.stdout + done.stderr
    assert sys.executable in keys


def _run(site: Site, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        cwd=site.repository.path,
        env={**site.variables, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )

"""The loop as a process: git push to deploy, it stays deployed, hands off and back."""

from __future__ import annotations

import hashlib
import hmac
import json
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from e2e import Site
from ground import RunningEngine
from warm_command import Started

pytestmark = pytest.mark.engine

_SECRET = "webhook-secret-in-no-output"
_PATIENCE = 30.0


@dataclass
class Loop:
    """``reconciler run`` beside a site, with a port of its own."""

    site: Site
    process: Started
    port: int

    def ask(
        self, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", data=body, headers=headers or {}
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                status, text = answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode()
        return status, json.loads(text) if text.startswith("{") else text

    def announce(self, secret: str = _SECRET, wait: bool = True) -> tuple[int, Any]:
        """A push as GitHub tells it."""
        body = json.dumps({"ref": "refs/heads/main"}).encode()
        digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        query = "?wait=true" if wait else ""
        return self.ask(f"/v1/webhook/shop{query}", body, {"X-Hub-Signature-256": f"sha256={digest}"})

    def variable(self, name: str) -> str | None:
        """What a variable of the one live container of ``web`` says; None while there is not just one."""
        live = self.site.live("web")
        if len(live) != 1:
            return None
        variables = self.site.containers("web")[next(iter(live))]["Config"]["Env"]
        return dict(v.split("=", 1) for v in variables).get(name)

    def stop(self) -> str:
        """Ask it to end; everything that it said."""
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, (out, err)
        return out + err


@pytest.fixture(name="site")
def _site(newest_engine: RunningEngine, registry_host: str) -> Iterator[Site]:
    with Site(newest_engine, registry_host) as site:
        yield site


@pytest.fixture(name="loop")
def _loop(site: Site) -> Iterator[Loop]:
    with looping(site) as loop:
        yield loop


@pytest.fixture(name="loop_of_each")
def _loop_of_each(engine: RunningEngine, registry_host: str) -> Iterator[Loop]:
    with Site(engine, registry_host) as site, looping(site) as loop:
        yield loop


@contextmanager
def looping(site: Site) -> Iterator[Loop]:
    """A loop that keeps the site's repository."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (site.folder / "webhook").write_text(_SECRET + "\n")
    repository = {
        "name": "shop",
        "folder": str(site.repository.path),
        "poll": "1h",
        "webhook_secret": str(site.folder / "webhook"),
        "bounds": "any",
    }
    document = {
        "apiVersion": "reconciler/v1",
        "kind": "Run",
        "metadata": {"name": "main"},
        "spec": {"repositories": [repository], "listen": f"127.0.0.1:{port}", "resync": "20s"},
    }
    (site.folder / "run.yaml").write_text(json.dumps(document))
    site.service("web", environment={"VERSION": "1"})
    site.commit()
    process = site.start(
        "run",
        "--config",
        str(site.folder / "run.yaml"),
        RECONCILER_ENDPOINT_DEV=f"unix://{site.engine.socket}",
    )
    loop = Loop(site, process, port)
    try:
        yield loop
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def until(condition: Callable[[], object], seconds: float = _PATIENCE) -> None:
    """Wait for it; AssertionError when it does not come."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it does not happen"
        time.sleep(0.05)


def test_a_push_is_deployed_and_stays_deployed(loop_of_each: Loop) -> None:
    loop, site = loop_of_each, loop_of_each.site
    until(lambda: loop.variable("VERSION") == "1")
    until(lambda: site.run("status", "dev", "--json").json["loop"])

    # somebody meddles: it is put right by the engine's own event, long before the sweep
    site.hand("rm", "--force", site.one("web"))
    until(lambda: loop.variable("VERSION") == "1", 5.0)
    site.hand("update", "--restart", "no", site.one("web"))
    until(lambda: _restart(site) == "unless-stopped", 5.0)

    # a push, told by a signed webhook that answers when it has settled; a forged one is told nothing
    site.service("web", environment={"VERSION": "2"})
    commit = site.commit()
    assert loop.announce("forged")[0] == 401
    assert loop.ask("/v1/webhook/shop", b"{}")[0] == 401
    status, answer = loop.announce()
    assert (status, answer["environments"]) == (200, {"dev": "settled"})
    assert loop.variable("VERSION") == "2"
    entry = site.run("history", "dev", "--json").json["entries"][0]
    assert (entry["commit"], entry["trigger"]) == (commit, f"webhook {answer['run']}")

    # a commit that cannot be read changes nothing, is told as it is, and what was good is kept on
    site.service("web", environment={"VERSION": "3"}, replicsa=2)
    site.commit()
    status, answer = loop.announce()
    assert (status, answer["environments"]) == (424, {"dev": "refused"})
    site.hand("rm", "--force", site.one("web"))
    until(lambda: loop.variable("VERSION") == "2", 5.0)

    assert loop.ask("/healthz")[0] == 200
    assert loop.ask("/readyz")[0] == 200
    assert "reconciler_passes_total{" in loop.ask("/metrics")[1]
    said = loop.stop()
    assert "replicsa" in said
    assert "Traceback" not in said
    assert _SECRET not in said


def test_hands_off_and_back_and_no_apply_against_a_living_loop(loop: Loop) -> None:
    site = loop.site
    until(lambda: loop.variable("VERSION") == "1")
    until(lambda: (site.run("status", "dev", "--json").json["loop"] or {}).get("settled_at"))
    site.service("web", environment={"VERSION": "2"})
    site.commit()
    ran = site.apply(exits=4)
    assert "CLI016" in ran.all
    assert "reconciler suspend dev" in ran.all

    site.run("suspend", "dev", "--reason", "moving house", "--for", "1h")
    suspended = site.run("status", "dev", "--json").json
    assert suspended["suspended"]["reason"] == "moving house"
    assert [s["state"] for s in suspended["services"]] == ["suspended"]
    site.hand("rm", "--force", site.one("web"))
    time.sleep(1.5)
    assert site.live("web") == {}
    site.run("resume", "dev")
    loop.announce(wait=False)
    until(lambda: loop.variable("VERSION") == "2")
    loop.stop()


def test_a_push_straight_to_it_is_refused_with_places_or_shown_to_its_end(site: Site) -> None:
    bare = site.folder / "shop.git"
    repository = {"name": "shop", "folder": str(bare), "poll": "1h", "receive": True, "bounds": "any"}
    document = {
        "apiVersion": "reconciler/v1",
        "kind": "Run",
        "metadata": {"name": "main"},
        "spec": {"repositories": [repository]},
    }
    (site.folder / "run.yaml").write_text(json.dumps(document))
    process = site.start(
        "run",
        "--config",
        str(site.folder / "run.yaml"),
        RECONCILER_ENDPOINT_DEV=f"unix://{site.engine.socket}",
    )
    loop = Loop(site, process, 0)
    try:
        until((site.folder / "state" / "reconciler" / "loop.sock").exists)
        site.service("web", environment={"VERSION": "1"})
        site.commit()
        status, said = push(site, bare)
        assert status == 0, said
        assert "create " in said
        assert "dev: settled" in said
        assert loop.variable("VERSION") == "1"

        site.service("web", environment={"VERSION": "2"}, replicsa=2)
        bad = site.commit()
        status, said = push(site, bare)
        assert status != 0
        assert "specs/service-web.yaml:1:" in said
        assert 'unknown field "replicsa"' in said
        site.repository.git("reset", "-q", "--hard", f"{bad}~1")

        site.service("web", environment={"VERSION": "3"})
        site.commit()
        status, said = push(site, bare, "--push-option=plan-only")
        assert (status != 0, "plan-only takes nothing" in said) == (True, True), said
        status, said = push(site, bare, "--push-option=no-wait")
        assert (status, "settled" in said) == (0, False), said
        until(lambda: loop.variable("VERSION") == "3")
        status, said = push(site, bare, ":main")
        assert status != 0
        assert "Traceback" not in loop.stop()
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def push(site: Site, bare: Path, *words: str) -> tuple[int, str]:
    """``git push`` of main, and all that the pusher sees."""
    refs = () if ":main" in words else ("main",)
    command = ["git", "push", str(bare), *words, *refs]
    done = subprocess.run(
        command, cwd=site.repository.path, env=site.variables, capture_output=True, text=True, timeout=90
    )
    return done.returncode, done.stdout + done.stderr


def _restart(site: Site) -> object:
    live = site.live("web")
    return len(live) == 1 and site.containers("web")[next(iter(live))]["HostConfig"]["RestartPolicy"]["Name"]


def test_a_saved_file_is_seen_running_and_a_wrong_one_changes_nothing(site: Site) -> None:
    site.declare("Environment", "dev", project=site.project, worktree="allow")
    site.service("web", environment={"VERSION": "1"})
    site.commit()
    process = site.start("dev", "dev", "--repo", str(site.repository.path))
    loop = Loop(site, process, 0)
    try:
        until(lambda: loop.variable("VERSION") == "1")
        site.service("web", environment={"VERSION": "2"})
        until(lambda: loop.variable("VERSION") == "2")
        site.service("web", environment={"VERSION": "3"}, replicsa=2)
        time.sleep(1.0)
        assert loop.variable("VERSION") == "2"
        site.service("web", environment={"VERSION": "4"})
        until(lambda: loop.variable("VERSION") == "4")
        said = loop.stop()
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    assert 'did you mean "replicas"' in said or "replicsa" in said
    assert loop.variable("VERSION") == "4", "what runs stays"

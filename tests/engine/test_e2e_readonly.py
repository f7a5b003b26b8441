"""Drift from outside, with a key that may only look: what works through it, and what does not."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e import ENVIRONMENT
from ground import RunningEngine
from routed_site import RoutedSite
from ssh_server import SshServer, need_private_server

pytestmark = pytest.mark.engine
CANARY = "canary-7f3a"
LIMITED = {"resources": {"limits": {"memory": "128M"}}}


@pytest.fixture(name="server")
def _server(tmp_path: Path) -> Iterator[SshServer]:
    need_private_server()
    with SshServer(tmp_path / "ssh") as server:
        yield server


def test_plan_drift_and_status_work_through_it_and_nothing_else_does(
    newest_engine: RunningEngine, registry_host: str, server: SshServer
) -> None:
    with RoutedSite(newest_engine, registry_host) as site:
        site.secret("pw", CANARY)
        site.web("one", deploy=LIMITED, environment={"PLAIN": "a", "PW": {"secret": "pw"}})
        site.commit()
        site.apply()
        server.trust()
        server.configure()
        only_looking = f"{sys.executable} -m reconciler readonly --socket {site.engine.socket}"
        keys = server.folder / "authorized_keys"
        keys.write_text(f'restrict,command="{only_looking}" {keys.read_text()}')
        site.variables |= server.client(site.variables["PATH"])
        site.variables["RECONCILER_ENDPOINT_DEV"] = f"ssh://engine-1{site.engine.socket}"

        clean = site.run("drift", ENVIRONMENT, "--json").json
        rows = {row["service"]: row for row in clean["services"]}
        assert {diff["verdict"] for row in rows.values() for diff in row["diffs"]} == {"not_compared"}
        assert [diff["path"] for diff in rows["web"]["diffs"]] == ["route.table"]
        site.run("drift", ENVIRONMENT, "--strict", exits=3)
        assert site.run("status", ENVIRONMENT, "--json").json["services"]
        assert site.run("plan", ENVIRONMENT, "--json").json["actions"] == []

        one = site.one("web")
        site.hand("update", "--memory", "64m", "--memory-swap", "64m", one)
        drifted = site.run("drift", ENVIRONMENT, exits=2).out
        assert "deploy.resources.limits.memory: applied 134217728, lives 67108864" in drifted
        assert "seen: container update" in drifted
        refused = site.apply(exits=4)
        assert "read-only access: " in refused.all
        assert "[DKR058]" in refused.all
        assert site.containers("web")[one]["HostConfig"]["Memory"] == 64 << 20
        assert "[DKR058]" in site.run("logs", ENVIRONMENT, "web", exits=None).all

        raw = {**site.variables, "DOCKER_HOST": "ssh://engine-1"}
        client = ["docker", "exec", one, "true"]
        ran = subprocess.run(client, env=raw, capture_output=True, text=True, timeout=60)
        assert ran.returncode != 0
        assert "read-only access: POST " in ran.stderr
        client = ["docker", "inspect", "--format", "{{json .Config.Env}}", one]
        ran = subprocess.run(client, env=raw, capture_output=True, text=True, timeout=60)
        assert '"PLAIN=a"' in ran.stdout
        assert CANARY not in ran.stdout

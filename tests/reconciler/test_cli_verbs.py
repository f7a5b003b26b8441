from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli_world import CliWorld, make_world
from reconciler.cli.apply import report_apply
from reconciler.cli.destroy import report_destroy
from reconciler.cli.envelope import Stop, envelope
from reconciler.cli.plan import report_plan
from reconciler.cli.status import report_status
from reconciler.cli.why import report_why

SPECS = """\
apiVersion: reconciler/v1
kind: Environment
metadata: {name: dev}
spec: {project: shop, worktree: allow}
---
apiVersion: reconciler/v1
kind: Registry
metadata: {name: local}
spec: {provider: local}
---
apiVersion: reconciler/v1
kind: Image
metadata: {name: web}
spec: {registry: local, repository: web, build: {context: web}}
---
apiVersion: reconciler/v1
kind: Config
metadata: {name: page}
spec: {file: page.txt}
---
apiVersion: reconciler/v1
kind: Service
metadata: {name: web}
spec:
  image: web
  configs: [{source: page, target: /etc/page.txt}]
  rollout: {monitor: 1s, deadline: 20s}
---
apiVersion: reconciler/v1
kind: Service
metadata: {name: cache}
spec: {image: "busybox:1.36", rollout: {monitor: 1s, deadline: 20s}}
"""
FILES = {
    "specs/shop.yaml": SPECS,
    "web/Dockerfile": "FROM busybox:1.36\nCOPY app /app\n",
    "web/app": "one\n",
    "page.txt": "hello\n",
}


@pytest.fixture(name="world")
def _world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliWorld:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return make_world(tmp_path / "repository", FILES)


def test_apply_settles_and_a_second_one_does_nothing(world: CliWorld) -> None:
    planned = world.run(report_plan, exit_code=True)
    assert planned.exit == 2
    assert "nothing to do" not in planned.text
    assert not world.engine.made
    first = world.run(report_apply)
    assert (first.exit, first.members["result"]) == (0, "settled"), first.text
    second = world.run(report_apply)
    assert (second.exit, second.members["outcomes"]) == (0, [])
    assert "nothing to do" in second.text
    assert world.run(report_plan, exit_code=True).exit == 0
    status = world.run(report_status)
    assert [s["state"] for s in status.members["services"]] == ["settled", "settled"]

"""The demo is the longest test: a shop is built, deployed, meddled with, changed, broken and pruned."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from git_repository import WrittenRepository
from ground import RunningEngine
from warm_command import listen_to_interrupts

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]
ROOT = Path(__file__).resolve().parents[2]
HELLO = """\
apiVersion: reconciler/v1
kind: Environment
metadata: {{name: dev}}
spec: {{project: {project}}}
---
apiVersion: reconciler/v1
kind: Service
metadata: {{name: hello}}
spec:
  image: {registry}/busybox:1.36
  command: [sh, -c, "trap 'exit 0' TERM; while :; do sleep 1; done"]
  rollout: {{monitor: 2s}}
"""


def surroundings(engine: RunningEngine, tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        **engine.environment,
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "RECONCILER_LOG": "text",
        "TMPDIR": str(tmp_path),
    }


def test_the_demo_does_what_it_says(newest_engine: RunningEngine, registry_host: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples/demo.py")],
        cwd=tmp_path,
        env={**surroundings(newest_engine, tmp_path), "RECONCILER_REGISTRY": registry_host},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All of it did what it says" in done.stdout
    assert "shop-demo" not in newest_engine.cli("ps", "--all", "--format", "{{.Names}}")


def test_an_interrupted_apply_ends_with_130_and_the_next_one_goes_on(
    newest_engine: RunningEngine, registry_host: str, tmp_path: Path
) -> None:
    repository = WrittenRepository(tmp_path / "repository")
    repository.commit({"specs/hello.yaml": HELLO.format(project="interrupted", registry=registry_host)})
    environment = surroundings(newest_engine, tmp_path)
    command = [sys.executable, "-m", "reconciler", "apply", "dev"]
    began = subprocess.Popen(
        command,
        cwd=repository.path,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=listen_to_interrupts,
    )
    try:
        assert began.stderr is not None
        while "> create interrupted" not in began.stderr.readline():
            assert began.poll() is None
        began.send_signal(signal.SIGINT)
        assert began.wait(timeout=60) == 130
        started = time.monotonic()
        again = subprocess.run(
            command, cwd=repository.path, env=environment, capture_output=True, text=True, timeout=120
        )
        assert again.returncode == 0, again.stdout + again.stderr
        assert time.monotonic() - started < 45, "the lease of the interrupted one was given back"
    finally:
        began.kill()
        for kind, listing in (
            ("container", ("ps", "--all")),
            ("network", ("network", "ls")),
            ("volume", ("volume", "ls")),
        ):
            names = newest_engine.cli(
                *listing,
                "--filter",
                "name=interrupted_dev_",
                "--format",
                "{{.Name}}" if kind != "container" else "{{.Names}}",
            )
            if names:
                newest_engine.cli(kind, "rm", *(["--force"] if kind == "container" else []), *names.split())

"""Ours: a Service with a route, behind its environment's proxy; by `apply`, and by a push to a loop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from forge import git
from loss_image import CHECK, PORT
from loss_sites import GRACE_S, HOST, NotDeployed, Site, until

from local_registry import find_free_port

_AUTHOR = ("-c", "user.name=bench", "-c", "user.email=bench@example.com")
_HELD = 5
_PUSHED_WITHIN_S = 300.0


class Ours(Site):
    """A commit, and ``reconciler apply``."""

    name = "reconciler apply"
    project = "lossours"

    def begin(self) -> None:
        self.clear()
        git(self.folder, "init", "-q", "-b", "main", str(self._repository))
        self._write("Environment", "dev", self._environment())

    def deploy(self, version: str, fault: str = "") -> None:
        self._commit(version, fault)
        code, said = self._reconciler("apply", "dev")
        (self.folder / f"{version}.log").write_text(said)
        if code == _HELD:
            raise NotDeployed(version)
        assert code == 0, said

    def clear(self) -> None:
        label = f"label=reconciler.owner={self.project}/dev"
        for kind in ("container", "volume", "network"):
            everything = ["--all"] if kind == "container" else []
            ids = self.engine.cli(kind, "ls", "--quiet", *everything, "--filter", label).split()
            force = [] if kind == "network" else ["--force"]
            if ids:
                self.engine.cli(kind, "rm", *force, *ids)

    @property
    def _repository(self) -> Path:
        return self.folder / "shop"

    def _environment(self) -> dict[str, Any]:
        proxy = {"image": self.caddy, "address": "127.0.0.1", "http": self.port, "https": "none"}
        return {"project": self.project, "proxy": proxy, "allow": {"host_mounts": [str(self.log)]}}

    def _service(self, version: str, fault: str) -> dict[str, Any]:
        """Streams get as long as by the hand-made switch; all else is as it is where nothing is said."""
        mount = {"type": "bind", "source": str(self.log), "target": "/log"}
        return {
            "image": self.image,
            "environment": self.variables(version, fault),
            "volumes": [mount],
            "healthcheck": {"test": CHECK, "interval": "1s", "timeout": "2s", "retries": 3},
            "stop_grace_period": f"{GRACE_S}s",
            "route": {"host": HOST, "port": PORT, "ready": {"http": "/healthz"}},
            "rollout": {"order": "start-first", "drain_streams": "2s"},
        }

    def _commit(self, version: str, fault: str) -> None:
        self._write("Service", "web", self._service(version, fault))
        git(self._repository, "add", ".")
        git(self._repository, *_AUTHOR, "commit", "-q", "--allow-empty", "-m", version)

    def _write(self, kind: str, name: str, spec: dict[str, Any]) -> None:
        document = {"apiVersion": "reconciler/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        place = self._repository / "specs"
        place.mkdir(exist_ok=True)
        (place / f"{name}.yaml").write_text(json.dumps(document))

    def _reconciler(self, *words: str) -> tuple[int, str]:
        done = subprocess.run(
            [_command(), *words],
            cwd=self._repository,
            env=self._surroundings(),
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, f"{done.stdout}{done.stderr}"

    def _surroundings(self) -> dict[str, str]:
        state = {"XDG_STATE_HOME": str(self.folder / "state"), "XDG_CACHE_HOME": str(self.folder / "cache")}
        return {**os.environ, **self.engine.environment, **state}


class Pushed(Ours):
    """A push to a running loop that holds the repository; the push shows what becomes of it, and so waits."""

    name = "push to reconciler run"
    project = "losspushed"

    def begin(self) -> None:
        super().begin()
        self._loop: subprocess.Popen[bytes] | None = None

    def deploy(self, version: str, fault: str = "") -> None:
        self._commit(version, fault)
        if self._loop is None:
            self._start()
        words = ["git", "push", str(self.folder / "own.git"), "main"]
        done = subprocess.run(
            words, cwd=self._repository, capture_output=True, text=True, check=False, timeout=_PUSHED_WITHIN_S
        )
        (self.folder / f"{version}.log").write_text(done.stderr)
        last = [line.removeprefix("remote:").strip() for line in done.stderr.splitlines()]
        assert done.returncode == 0, done.stderr
        if "failed" in last:
            raise NotDeployed(version)
        assert "ok" in last, done.stderr

    def clear(self) -> None:
        if getattr(self, "_loop", None) is not None:
            assert self._loop is not None
            self._loop.send_signal(signal.SIGTERM)
            self._loop.wait(60)
        super().clear()

    def _start(self) -> None:
        own, port = self.folder / "own.git", find_free_port()
        repository = {"name": "shop", "folder": str(own), "receive": True, "poll": "1h", "bounds": "any"}
        document = {
            "apiVersion": "reconciler/v1",
            "kind": "Run",
            "metadata": {"name": "bench"},
            "spec": {"repositories": [repository], "listen": f"127.0.0.1:{port}"},
        }
        (self.folder / "run.yaml").write_text(json.dumps(document))
        endpoint = {"RECONCILER_ENDPOINT_DEV": f"unix://{self.engine.socket}"}
        with (self.folder / "loop.log").open("wb") as log:
            self._loop = subprocess.Popen(
                [_command(), "run", "--config", str(self.folder / "run.yaml")],
                cwd=self.folder,
                env={**self._surroundings(), **endpoint},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        assert until(lambda: _is_alive(port), 30.0), f"the loop does not run: {self.folder / 'loop.log'}"


def _is_alive(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
            return True
    except OSError:
        return False


def _command() -> str:
    return str(Path(sys.executable).with_name("reconciler"))

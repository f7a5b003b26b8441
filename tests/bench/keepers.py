"""Two loops that keep the same service: ours, and doco-cd (https://github.com/kimdre/doco-cd) as a plain
process. Each has a forge of its own with the same service in it."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from forge import Forge, git

from engine_socket import request
from ground import RunningEngine

SECRET = "bench-webhook-secret-0123456789"
_OBEYS = "trap 'exit 0' TERM; while :; do sleep 0.05; done"
SCRIPTS = {"plain": _OBEYS, "built": _OBEYS, "deaf": "trap '' TERM; while :; do sleep 0.05; done"}


@dataclass
class Keeper(ABC):
    """One loop as a process. ``label`` finds its containers."""

    engine: RunningEngine
    image: str
    folder: Path
    name: str = ""
    label: str = ""
    port: int = field(default_factory=lambda: free_port())
    process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.folder.mkdir()
        self.forge = Forge(self.folder).__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
        self.forge.__exit__()
        self.clear()

    def start(self) -> None:
        """Start the process."""
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                env={**os.environ, **self.engine.environment, **self.variables()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @abstractmethod
    def command(self) -> list[str]:
        """What is started."""

    def variables(self) -> dict[str, str]:
        return {}

    @abstractmethod
    def files(self, version: str, kind: str) -> Mapping[str, str]:
        """The service at this version. ``deaf``: it ignores the stop signal; ``built``: its image is built
        from a file that changes with the version."""

    def clear(self) -> None:
        """Remove what it made."""
        for kind in ("container", "volume", "network"):
            everything = ["--all"] if kind == "container" else []
            ids = self.engine.cli(kind, "ls", "--quiet", *everything, "--filter", f"label={self.label}")
            if ids:
                force = [] if kind == "network" else ["--force"]
                self.engine.cli(kind, "rm", *force, *ids.split())

    def push(self, version: str, kind: str) -> str:
        """Another version into its forge, told to nobody; the commit."""
        return self.forge.push(self.files(version, kind))

    def announce(self, commit: str) -> None:
        """A push as GitHub tells it."""
        place = {"name": "shop", "full_name": "team/shop", "clone_url": self.forge.url, "private": False}
        body = json.dumps({"ref": "refs/heads/main", "after": commit, "repository": place}).encode()
        digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "X-GitHub-Event": "push",
            "X-Hub-Signature-256": f"sha256={digest}",
            "Content-Type": "application/json",
        }
        asked = urllib.request.Request(self.webhook(), data=body, headers=headers)
        with urllib.request.urlopen(asked, timeout=60) as answer:
            assert answer.status < 300, answer.status

    @abstractmethod
    def webhook(self) -> str:
        """The address that it is told at."""

    def phases(self) -> Mapping[str, float]:
        """Where it tells of its steps: when each ended."""
        return {}

    def containers(self) -> list[Any]:
        """Its containers, as inspected."""
        found = _get(self.engine, f'/containers/json?filters={{"label":["{self.label}"]}}')
        return [c for c in (_get(self.engine, f"/containers/{row['Id']}/json") for row in found) if c]

    def started(self, version: str, not_this: str = "") -> float | None:
        """When a container of this version started, seconds since 1970; None while there is none."""
        for container in self.containers():
            is_right = f"VERSION={version}" in container["Config"]["Env"] and container["Id"] != not_this
            if is_right and container["State"]["Running"]:
                return moment(container["State"]["StartedAt"])
        return None

    def wait(self, version: str, not_this: str = "", seconds: float = 60.0) -> float:
        """When a container of this version started; TimeoutError when none does in time."""
        limit = time.monotonic() + seconds
        while (found := self.started(version, not_this)) is None:
            if time.monotonic() > limit:
                raise TimeoutError(f"{self.name}: version {version} does not run; see {self.folder / 'log'}")
            time.sleep(0.02)
        return found


class Ours(Keeper):
    """``reconciler run``."""

    def __init__(self, engine: RunningEngine, image: str, folder: Path) -> None:
        super().__init__(engine, image, folder, "ours", "reconciler.owner=benchloop/dev")

    def command(self) -> list[str]:
        (self.folder / "secret").write_text(SECRET)
        repository = {
            "name": "shop",
            "url": self.forge.url,
            "poll": "1h",
            "webhook_secret": str(self.folder / "secret"),
            "bounds": "any",
        }
        document = {
            "apiVersion": "reconciler/v1",
            "kind": "Run",
            "metadata": {"name": "bench"},
            "spec": {"repositories": [repository], "listen": f"127.0.0.1:{self.port}"},
        }
        (self.folder / "run.yaml").write_text(json.dumps(document))
        command = str(Path(sys.executable).with_name("reconciler"))
        return [command, "run", "--config", str(self.folder / "run.yaml")]

    def variables(self) -> dict[str, str]:
        return {
            "RECONCILER_ENDPOINT_DEV": f"unix://{self.engine.socket}",
            "XDG_STATE_HOME": str(self.folder / "state"),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
        }

    def webhook(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1/webhook/shop"

    def files(self, version: str, kind: str) -> Mapping[str, str]:
        head = "apiVersion: reconciler/v1\nkind: "
        image = "web" if kind == "built" else self.image
        registry = self.image.partition("/")[0]
        found = {
            "specs/dev.yaml": f"{head}Environment\nmetadata: {{name: dev}}\nspec: {{project: benchloop}}\n",
            "specs/web.yaml": f"{head}Service\nmetadata: {{name: web}}\nspec:\n  image: {image}\n"
            f"  command: [sh, -c, {json.dumps(SCRIPTS[kind])}]\n  environment: {{VERSION: '{version}'}}\n"
            "  rollout: {monitor: 1s}\n",
        }
        if kind != "built":
            return found
        return {
            **found,
            **_context(self.image, f"{version} {self.folder}"),
            "specs/image.yaml": f"{head}Registry\nmetadata: {{name: main}}\n"
            f"spec: {{provider: oci, url: {registry}/bench}}\n---\n"
            f"{head}Image\nmetadata: {{name: web}}\n"
            "spec: {registry: main, repository: loop, build: {context: web}}\n",
        }

    def phases(self) -> Mapping[str, float]:
        """When each step of the newest deploy was told of, seconds since 1970, by its first words."""
        found: dict[str, float] = {}
        for line in (self.folder / "log").read_text().splitlines():
            told = json.loads(line)
            at = datetime.fromisoformat(told["timestamp"].replace("Z", "+00:00")).timestamp()
            if told["event"] == "commit":
                found = {"read": at}
            elif told["event"] == "done":
                found.setdefault(str(told["action"]).split()[0], at)
        return found


class Receiving(Ours):
    """``reconciler run`` with a repository of its own, which is pushed to."""

    def command(self) -> list[str]:
        command = super().command()
        document = json.loads(Path(command[-1]).read_text())
        repository = {"name": "shop", "folder": str(self.folder / "own.git"), "receive": True, "poll": "1h"}
        document["spec"]["repositories"] = [{**document["spec"]["repositories"][0], **repository}]
        del document["spec"]["repositories"][0]["url"]
        Path(command[-1]).write_text(json.dumps(document))
        return command

    def announce(self, commit: str) -> None:
        """The push itself; nobody waits for what it shows."""
        git(self.forge.clone, "push", "-q", "-o", "no-wait", str(self.folder / "own.git"), "main")


class DocoCd(Keeper):
    """The peer; ``RECONCILER_BENCH_DOCO_CD`` names its binary."""

    def __init__(self, engine: RunningEngine, image: str, folder: Path) -> None:
        label = "com.docker.compose.project=peerloop"
        super().__init__(engine, image, folder, "doco-cd", label)

    def command(self) -> list[str]:
        return [os.environ["RECONCILER_BENCH_DOCO_CD"]]

    def variables(self) -> dict[str, str]:
        (self.folder / "data").mkdir(exist_ok=True)
        return {
            "HTTP_PORT": str(self.port),
            "METRICS_PORT": str(free_port()),
            "DATA_MOUNT_PATH": str(self.folder / "data"),
            "DATA_HOST_PATH": str(self.folder / "data"),
            "WEBHOOK_SECRET": SECRET,
            "GIT_ACCESS_TOKEN": "x",
        }

    def webhook(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1/webhook"

    def files(self, version: str, kind: str) -> Mapping[str, str]:
        source = "build: {context: web}" if kind == "built" else f"image: {self.image}"
        return {
            **(_context(self.image, f"{version} {self.folder}") if kind == "built" else {}),
            "compose.yaml": f"services:\n  web:\n    {source}\n"
            f"    command: [sh, -c, {json.dumps(SCRIPTS[kind])}]\n"
            f"    environment: {{VERSION: '{version}'}}\n    restart: unless-stopped\n",
            ".doco-cd.yml": "name: peerloop\nreconciliation: {enabled: true, events: [destroy]}\n",
        }


def _context(base: str, version: str) -> Mapping[str, str]:
    """A build whose input changes with the version, and is no other run's."""
    return {"web/Dockerfile": f"FROM {base}\nCOPY version /version\n", "web/version": f"{version}\n"}


def moment(text: str) -> float:
    """The engine's time as seconds since 1970; of its nine digits Python takes six."""
    return datetime.fromisoformat(f"{text[:26].rstrip('Z')}+00:00").timestamp()


def free_port() -> int:
    """A port of loopback that nobody has."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _get(engine: RunningEngine, path: str) -> Any:
    from urllib.parse import quote

    status, body = request(engine.socket, "GET", quote(path, safe="/?=&"))
    return json.loads(body) if status == 200 else None

"""What a test run stands on: engines and a registry, private ones or the machine's own.

Private engines (two versions) are started where that is possible: root on Debian. Elsewhere, on a laptop, the
one engine that `docker` reaches is used, with a registry in a container. CI accepts private engines only.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import engines
from debian_packages import GroundError, read_codename
from local_registry import is_registry_answering

VERSIONS = tuple(engines.CODENAMES)
MACHINE = "machine"
REGISTRY_IMAGE = "registry:2"


@dataclass(frozen=True)
class RunningEngine:
    """An engine that answers: its version such as 20.10, how it is reached, and a CLI for it."""

    version: str
    exact_version: str
    api: str
    docker_host: str
    docker: str
    docker_config: str | None

    @property
    def socket(self) -> Path:
        return Path(self.docker_host.removeprefix("unix://"))

    @property
    def environment(self) -> dict[str, str]:
        """Variables under which docker, its plugins, and we reach this engine and no other."""
        path = f"{Path(self.docker).parent}:{os.environ.get('PATH', '/usr/bin:/bin')}"
        config = {"DOCKER_CONFIG": self.docker_config} if self.docker_config else {}
        return {"DOCKER_HOST": self.docker_host, "PATH": path, **config}

    def cli(self, *arguments: str, text: str | None = None) -> str:
        """Standard output of `docker ARGUMENTS`, stripped; AssertionError with both outputs when it fails."""
        done = subprocess.run(
            [self.docker, *arguments],
            input=text if text is not None else "",
            capture_output=True,
            text=True,
            env={**os.environ, **self.environment},
            timeout=240,
        )
        assert done.returncode == 0, f"docker {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout.strip()


@dataclass(frozen=True)
class Ground:
    """Engines by name (a version, or "machine") and the registry's host:port."""

    engines: dict[str, RunningEngine]
    registry: str
    docker_config: str | None

    @property
    def environment(self) -> dict[str, str]:
        """The newest engine's variables, for a command that needs any engine."""
        return list(self.engines.values())[-1].environment


def can_be_private() -> bool:
    """Whether private engines are what this machine must use: root on Debian, or CI wherever it is."""
    if os.environ.get("CI") == "true" or os.environ.get("RECONCILER_TEST_STATE"):
        return True
    try:
        read_codename()
    except GroundError:
        return False
    return os.geteuid() == 0


def read_private(state: Path) -> Ground:
    """The private set whose description lies in the state folder."""
    ground = json.loads((state / "env.json").read_text())
    found = {
        row["version"]: RunningEngine(
            row["version"],
            row["exact_version"],
            row["api"],
            row["docker_host"],
            ground["docker"],
            ground["docker_config"],
        )
        for row in ground["engines"]
    }
    return Ground(found, ground["registry"], ground["docker_config"])


def start_private(state: Path, versions: Sequence[str] = VERSIONS) -> Ground:
    """Start the private set, or find it started by another process of this run."""
    engines.start(state, versions, with_registry=True)
    return read_private(state)


def find_machine_engine() -> RunningEngine:
    """The engine that `docker` reaches as it is configured; GroundError when none answers."""
    docker = shutil.which("docker")
    if not docker:
        raise GroundError("no docker found; install Docker, or run as root on Debian 12 or later")
    form = "{{.Server.Version}} {{.Server.APIVersion}} {{(index .Server.Components 0).Name}}"
    done = subprocess.run([docker, "version", "--format", form], capture_output=True, text=True, timeout=30)
    if done.returncode != 0:
        raise GroundError(f"docker does not answer: {done.stderr.strip()}")
    version, api = done.stdout.split()[:2]
    host = (
        os.environ.get("DOCKER_HOST")
        or subprocess.run(
            [docker, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"],
            capture_output=True,
            text=True,
        ).stdout.strip()
    )
    return RunningEngine(".".join(version.split(".")[:2]), version, api, host, docker, None)


def start_on_machine(registry_name: str) -> Ground:
    """The machine's own engine, and a registry in a container of that name, made unless it is there."""
    engine = find_machine_engine()
    arguments = [
        "--name",
        registry_name,
        "-p",
        "127.0.0.1::5000",
        "-e",
        "REGISTRY_STORAGE_DELETE_ENABLED=true",
    ]
    listed = engine.cli("ps", "--all", "--quiet", "--filter", f"name=^{registry_name}$")
    if not listed:
        try:
            engine.cli("run", "--detach", *arguments, REGISTRY_IMAGE)
        except AssertionError as error:
            if "already in use" not in str(error):
                raise GroundError(str(error)) from error
    for _ in range(100):
        published = subprocess.run(
            [engine.docker, "port", registry_name, "5000"], capture_output=True, text=True
        ).stdout.split()
        if published and is_registry_answering(int(published[0].rsplit(":", 1)[1])):
            return Ground({MACHINE: engine}, published[0].replace("0.0.0.0", "127.0.0.1"), None)
        time.sleep(0.2)
    raise GroundError(f"the registry in container {registry_name} does not answer")


def stop_on_machine(registry_name: str) -> None:
    """Remove the registry's container and its volume; nothing when there is none."""
    docker = shutil.which("docker")
    if docker:
        subprocess.run([docker, "rm", "--force", "--volumes", registry_name], capture_output=True)

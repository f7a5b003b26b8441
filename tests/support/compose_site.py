"""A Compose project in a user's place: brought up by Compose, then taken over by `init` and `apply`."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from typing import Any

import yaml

from compose_effect import effect
from compose_reference import FILES, copy_corpus
from e2e import SOON, Site
from local_registry import find_free_port
from reconciler.cli.initialise import render_documents

RUN = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.2; done"]


@dataclass
class Composed:
    """`docker compose` in the site's repository; what it made goes with the site."""

    site: Site

    def __post_init__(self) -> None:
        self.site.hands.append(self.remove)

    def remove(self) -> None:
        """Everything that Compose made; our containers first, which may hold its volumes."""
        self.site.clean()
        self.run("down", "--volumes", "--timeout", "0")

    @property
    def project(self) -> str:
        return f"{self.site.project}-compose"

    def run(self, *words: str) -> str:
        """What `docker compose WORDS` prints."""
        variables = ("PATH", "HOME", "DOCKER_HOST", "DOCKER_CONFIG")
        done = subprocess.run(
            [self.site.engine.docker, "compose", "-p", self.project, *words],
            cwd=self.site.repository.path,
            env={k: v for k, v in self.site.variables.items() if k in variables},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def containers(self) -> dict[str, dict[str, Any]]:
        """Inspected, by service; one of each."""
        found = {}
        for row in self.site.listed("containers/json", f"com.docker.compose.project={self.project}"):
            inspected = self.site.ask("GET", f"/containers/{row['Id']}/json")
            found[row["Labels"]["com.docker.compose.service"]] = inspected
        return found


def ours(site: Site) -> dict[str, dict[str, Any]]:
    """Our live containers, inspected, by service; one of each."""
    rows = [row for name, row in site.containers().items() if not name.endswith(("_kept", "_held"))]
    return {row["Config"]["Labels"]["reconciler.service"]: row for row in rows}


def differences(theirs: dict[str, dict[str, Any]], found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """What differs in effect, by service; without `restart` one is kept running here, as a note says."""
    told: dict[str, Any] = {}
    for name, container in theirs.items():
        expected, seen = effect(container, name), effect(found[name], name)
        if expected["RestartPolicy"]["Name"] in ("no", ""):
            expected["RestartPolicy"] = seen["RestartPolicy"]
        differ = {word: (expected[word], seen[word]) for word in expected if expected[word] != seen[word]}
        if differ:
            told[name] = differ
    return told


def convert(site: Site) -> dict[str, Any]:
    """`init`, the site's own project in it, a short monitor, and the secrets; what `init` told."""
    told: dict[str, Any] = json.loads(site.run("init", "--json").out)
    for path in (site.repository.path / "specs").glob("*.yaml"):
        documents = list(yaml.safe_load_all(path.read_text()))
        for document in documents:
            if document["kind"] == "Environment":
                document["spec"]["project"] = site.project
            elif document["kind"] == "Service":
                document["spec"]["rollout"] = {"monitor": "200ms", "deadline": "20s"}
        path.write_text(render_documents(documents))
    site.run("init", "--secrets", str(site.folder / "secrets"))
    site.commit()
    return told


def take_from_corpus(site: Site, composed: Composed, name: str) -> None:
    """A project of the corpus as the site's own, every image and program replaced by one that just runs."""
    site.forget("Environment", "dev")
    root = copy_corpus(name, site.folder)
    assert name not in FILES
    subprocess.run(["cp", "-a", f"{root}/.", str(site.repository.path)], check=True)
    model = json.loads(composed.run("config", "--format", "json").replace(str(site.repository.path), "."))
    for path in site.repository.path.glob("*compose*.y*ml"):
        path.unlink()
    for service in model["services"].values():
        _replace_program(service, site.busybox)
    for network in model["networks"].values():
        network.pop("name", None)
    for volume in (model.get("volumes") or {}).values():
        if not volume.get("external"):
            volume.pop("name", None)
    for kind in ("secrets", "configs"):
        for resource in (model.get(kind) or {}).values():
            resource.pop("name", None)
    model.pop("name")
    text = re.sub(r'"\./?"', '"."', json.dumps(model, indent=1))
    environment = f"COMPOSE_PROJECT_NAME={composed.project}\n"
    site.repository.write({"compose.yaml": text, ".env": environment})


def _replace_program(service: dict[str, Any], image: str) -> None:
    for word in ("build", "entrypoint", "logging", "user"):
        service.pop(word, None)
    service |= {"image": image, "command": RUN, "stop_grace_period": "1s"}
    if service.get("restart") in ("no", None):  # A program that runs on is no job.
        service["restart"] = "unless-stopped"
    if service.get("healthcheck"):
        service["healthcheck"] = dict(SOON)
    service["depends_on"] = {
        other: {"condition": "service_started"} for other in service.get("depends_on") or {}
    }
    if service.get("ulimits"):  # What the machine that runs the tests may give.
        service["ulimits"] = {"nofile": {"soft": 1000, "hard": 1024}}
    for port in service.get("ports") or []:
        port["published"] = str(find_free_port())


__all__ = ["RUN", "Composed", "convert", "differences", "ours", "take_from_corpus"]

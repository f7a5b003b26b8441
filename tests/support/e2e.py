"""A user's place for end-to-end tests: a git repository, the real command as a process, one engine.

Everything that a test makes bears its project in a label (`reconciler.owner`, `reconciler.registry`, or `e2e`
for what the test makes by hand) and goes with the site, however the test ended.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from engine_socket import request
from git_repository import WrittenRepository
from ground import RunningEngine
from labelled import remove_labelled
from published import hold_to_schema
from warm_command import Started, start_command

ENVIRONMENT = "dev"
QUICK = {"monitor": "200ms", "deadline": "20s"}
"""A rollout for tests: nothing to wait for but health."""
ALIVE = "trap 'exit 0' TERM; echo up; while :; do sleep 60 & wait; done"
"""A process that runs, costs nothing, and ends at once when it is asked to."""
SERVING = "trap 'exit 0' TERM; mkdir -p /www; httpd -f -p 8080 -h /www & wait"
HEALTHY: dict[str, object] = {"test": ["CMD", "true"], "interval": "1s", "retries": 2}
SOON = {**HEALTHY, "interval": "10s", "start_period": "30s", "start_interval": "200ms"}
"""Healthy soon, then seldom asked: each check is a process that the engine starts. From API 1.44 on."""


@dataclass(frozen=True)
class Ran:
    """A command that ended: exit code, stdout, stderr."""

    words: tuple[str, ...]
    exit: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return self.out + self.err

    @property
    def json(self) -> dict[str, Any]:
        """The one object on stdout, which is as published."""
        found: dict[str, Any] = json.loads(self.out)
        hold_to_schema(found)
        return found


@dataclass
class Site:
    """One project on one engine. Use it in `with`; `variables` are the command's environment."""

    engine: RunningEngine
    registry: str
    project: str = field(default_factory=lambda: f"e2e-{secrets.token_hex(4)}")
    variables: dict[str, str] = field(default_factory=dict)
    hands: list[Callable[[], object]] = field(default_factory=list)
    """What else is to be undone at the end."""

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.project}-"))
        self.repository = WrittenRepository(self.folder / "repository")
        self.variables = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("RECONCILER_", "GIT_", "DOCKER_"))},
            **self.engine.environment,
            "XDG_STATE_HOME": str(self.folder / "state"),
            "HOME": str(self.folder),
            "CREDENTIALS_DIRECTORY": str(self.folder / "secrets"),
            **self.variables,
        }
        self.declare("Environment", ENVIRONMENT, project=self.project)
        return self

    def __exit__(self, *_: object) -> None:
        for undo in reversed(self.hands):
            undo()
        self.clean()
        subprocess.run(["rm", "-rf", str(self.folder)], check=False)

    # --- the repository ----------------------------------------------------------------------------------

    @property
    def healthy(self) -> dict[str, object]:
        """The check of services that declare none."""
        return SOON if tuple(map(int, self.engine.api.split("."))) >= (1, 44) else HEALTHY

    @property
    def busybox(self) -> str:
        """A public image, from the registry that this machine has."""
        return f"{self.registry}/busybox:1.36"

    def declare(self, kind: str, name: str, **spec: object) -> None:
        """Write one document into a file of its own."""
        document = {"apiVersion": "reconciler/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        self.repository.write({f"specs/{kind.lower()}-{name}.yaml": json.dumps(document) + "\n"})

    def service(self, name: str, script: str | None = ALIVE, **spec: object) -> None:
        """Declare a service of busybox that starts, is healthy and stops within a second."""
        given: dict[str, object] = {
            "image": self.busybox,
            "command": ["sh", "-c", script] if script else None,
            "healthcheck": self.healthy,
            "stop_grace_period": "1s",
            "rollout": QUICK,
            **spec,
        }
        self.declare("Service", name, **{key: value for key, value in given.items() if value is not None})

    def image(self, name: str, source: Mapping[str, str], registry: str = "main") -> None:
        """Declare an image and write its folder; `{busybox}` in the Dockerfile is the base."""
        files = {f"{name}/{path}": text.replace("{busybox}", self.busybox) for path, text in source.items()}
        self.repository.write(files)
        repository = f"{self.project}/{name}"
        self.declare("Image", name, registry=registry, repository=repository, build={"context": name})

    def forget(self, kind: str, name: str) -> None:
        """Take a document out of git."""
        (self.repository.path / f"specs/{kind.lower()}-{name}.yaml").unlink()

    def secret(self, name: str, value: str) -> None:
        """Give a secret its value, as a file outside git."""
        path = self.folder / "secrets" / self.project / ENVIRONMENT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{value}\n")

    def commit(self, files: Mapping[str, str] | None = None) -> str:
        return self.repository.commit(dict(files or {}))

    # --- the command -------------------------------------------------------------------------------------

    def start(self, *words: str, **variables: str) -> Started:
        """`reconciler WORDS` as a user runs it, in the repository."""
        return start_command(words, self.repository.path, {**self.variables, **variables})

    def run(self, *words: str, exits: int | None = 0, **variables: str) -> Ran:
        """Run to the end, within two minutes. `exits` None takes any exit code."""
        return self.finish(self.start(*words, **variables), words, exits)

    def finish(self, process: Started, words: tuple[str, ...], exits: int | None = 0) -> Ran:
        try:
            out, err = process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"reconciler {' '.join(words)} does not end\n{out}\n{err}") from None
        ran = Ran(words, process.returncode, out, err)
        assert exits is None or ran.exit == exits, (
            f"reconciler {' '.join(words)} exited {ran.exit}, not {exits}\n{out}\n{err}"
        )
        assert "Traceback" not in ran.all, ran.all
        return ran

    def apply(self, *words: str, exits: int | None = 0, **variables: str) -> Ran:
        return self.run("apply", ENVIRONMENT, *words, exits=exits, **variables)

    # --- the engine --------------------------------------------------------------------------------------

    def ask(self, verb: str, target: str, body: object = None) -> Any:
        """One call of the engine's API; what it answers as JSON."""
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if content else {}
        status, answer = request(self.engine.socket, verb, target, content, headers)
        assert status < 400, (verb, target, status, answer)
        return json.loads(answer) if answer.strip() else None

    def listed(self, kind: str, label: str) -> list[dict[str, Any]]:
        """Containers, networks or volumes with a label."""
        query = f"?all=1&filters={json.dumps({'label': [label]}, separators=(',', ':'))}"
        found = self.ask("GET", f"/{kind}{query.replace(chr(34), '%22')}")
        rows: list[dict[str, Any]] = (found or {}).get("Volumes") or [] if kind == "volumes" else found
        return rows

    @property
    def owner(self) -> str:
        return f"reconciler.owner={self.project}/{ENVIRONMENT}"

    def containers(self, service_name: str | None = None) -> dict[str, dict[str, Any]]:
        """Every container of ours by name, or of one service, inspected."""
        found = {}
        for row in self.listed("containers/json", self.owner):
            if service_name in (None, row["Labels"].get("reconciler.service")):
                status, answer = request(self.engine.socket, "GET", f"/containers/{row['Id']}/json")
                if status != 404:  # gone since it was listed: a loop beside the test may do so
                    found[row["Names"][0].lstrip("/")] = json.loads(answer)
        return dict(sorted(found.items()))

    def live(self, service_name: str | None = None) -> dict[str, tuple[str, str]]:
        """The containers without a role: name -> (id, when it was started). Equal means untouched."""
        return {
            name: (row["Id"], row["State"]["StartedAt"])
            for name, row in self.containers(service_name).items()
            if not name.endswith(("_kept", "_held"))
        }

    def one(self, service_name: str) -> str:
        """The name of the one live container of a service."""
        (name,) = self.live(service_name)
        return name

    def output(self, service_name: str, *command: str) -> str:
        """What a command prints in the one container of a service."""
        return self.engine.cli("exec", self.one(service_name), *command)

    def hand(self, *words: str) -> str:
        """`docker WORDS` behind the command's back."""
        return self.engine.cli(*words)

    def inventory(self) -> dict[str, set[str]]:
        """Names of everything of this project, whatever made it."""
        return {
            "containers": set(self.containers()),
            "networks": {row["Name"] for row in self.listed("networks", self.owner)},
            "volumes": {row["Name"] for row in self.listed("volumes", self.owner)},
        }

    def clean(self) -> None:
        """Remove everything of this project, running or not, and the images that it brought."""
        labels = (self.owner, f"reconciler.registry={self.project}", f"e2e={self.project}")
        remove_labelled(self.engine.socket, self.listed, labels)
        for row in self.ask("GET", "/images/json"):
            for name in (*(row.get("RepoTags") or ()), *(row.get("RepoDigests") or ())):
                if f"/{self.project}" in name:
                    request(self.engine.socket, "DELETE", f"/images/{name}?force=1")

"""A real engine under a contract test, with its command line as the hand behind the runtime's back."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Mapping

from engine_socket import request
from ground import RunningEngine
from providers.docker.labels import FILLER, object_labels
from providers.docker.runtime import open_runtime
from providers.docker.volumes import filler_name
from reconciler.ownership import Owner
from reconciler.provider import Runtime
from runtime_subject import RuntimeSubject
from specs.reference import Digest, ImageRef

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
_KINDS = (("container", ("ps", "--all")), ("network", ("network", "ls")), ("volume", ("volume", "ls")))


class DockerSubject(RuntimeSubject):
    """One engine; everything that bears the owner's prefix or ``mark`` is this test's."""

    def __init__(self, owner: Owner, engine: RunningEngine, registry: str) -> None:
        self.owner, self._engine = owner, engine
        self.runtime = open_runtime(engine.docker_host)
        ref = ImageRef.parse(f"{registry}/busybox:1.36")
        self.image = ref.with_digest(_digest(ref))

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def stop(self, name: str) -> None:
        self._engine.cli("stop", name)

    def kill(self, name: str) -> None:
        self._engine.cli("kill", name)

    def pause(self, name: str) -> None:
        self._engine.cli("pause", name)

    def rename(self, name: str, new_name: str) -> None:
        self._engine.cli("rename", name, new_name)

    def limit_memory(self, name: str, size: int) -> None:
        self._engine.cli("update", "--memory", str(size), "--memory-swap", str(size), name)

    def disconnect(self, name: str, network: str) -> None:
        self._engine.cli("network", "disconnect", network, name)

    def add_container(self, name: str, labels: Mapping[str, str], port: int | None = None) -> None:
        publish = ("--publish", f"{port}:{port}") if port else ()
        self._engine.cli(
            "run", "--detach", "--name", name, *_labels(labels), *publish, "busybox:1.36", "sleep", "600"
        )

    def add_network(self, name: str, labels: Mapping[str, str]) -> None:
        body = {"Name": name, "Labels": dict(labels), "CheckDuplicate": False}
        status, answer = request(
            self._engine.socket,
            "POST",
            "/networks/create",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        assert status == 201, answer

    def remove_network(self, name: str) -> None:
        self._engine.cli("network", "rm", name)

    def add_volume(self, name: str, labels: Mapping[str, str]) -> None:
        self._engine.cli("volume", "create", *_labels(labels), name)

    def unfinish(self, volume: str) -> None:
        self._engine.cli("volume", "create", *_labels(object_labels(self.owner, volume, "files")), volume)
        labels = _labels(object_labels(self.owner, volume, FILLER))
        mount = ("--volume", f"{volume}:/.reconciler")
        self._engine.cli("create", "--name", filler_name(volume), *labels, *mount, str(self.image), "none")

    def expect_broken(self) -> None:
        """The command itself is broken."""

    def inventory(self) -> frozenset[tuple[str, str]]:
        return frozenset((kind, name) for kind, verb in _KINDS for name in self._names(verb))

    def unplugged(self) -> Runtime:
        return open_runtime("unix:///nowhere/docker.sock")

    def clean(self) -> None:
        """Remove everything of this test, whoever made it."""
        for kind, verb in _KINDS:
            names = self._names(verb)
            if names and kind == "container":
                self._engine.cli("rm", "--force", "--volumes", *names)
            for name in names if kind != "container" else ():
                self._engine.cli(kind, "rm", name)

    def _names(self, verb: tuple[str, ...]) -> list[str]:
        column = "{{.Names}}" if verb[0] == "ps" else "{{.Name}}"
        listed = self._engine.cli(*verb, "--filter", f"name={self.owner.project}", "--format", column)
        return [name for name in listed.splitlines() if name.startswith(self.owner.project)]


def _labels(labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(part for name, value in labels.items() for part in ("--label", f"{name}={value}"))


def _digest(ref: ImageRef) -> Digest:
    url = f"http://{ref.host}/v2/{ref.repository}/manifests/{ref.tag}"
    head = urllib.request.Request(url, method="HEAD", headers={"Accept": _MANIFEST})
    with urllib.request.urlopen(head, timeout=20) as answer:
        return Digest.parse(answer.headers["Docker-Content-Digest"])

"""An owner of its own on a real engine, for tests of what only a real engine can say."""

from __future__ import annotations

import urllib.request
from dataclasses import dataclass

from docker_forms import blueprint_of
from dying_engine import DyingEngine
from ground import RunningEngine
from providers.docker import DockerRuntime
from reconciler.actions import Blueprint
from reconciler.desired import ServiceForm
from reconciler.observed import Instance
from reconciler.ownership import Owner
from reconciler.provider import Question, World
from specs.reference import Digest, ImageRef

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@dataclass
class Place:
    """A fresh owner on one engine, an image that it holds, and its command line."""

    engine: RunningEngine
    runtime: DockerRuntime
    owner: Owner
    image: ImageRef

    async def look(self, *names: str) -> World:
        return await self.runtime.observe(Question(self.owner, names))

    async def only(self) -> Instance:
        (instance,) = (await self.look()).instances
        return instance

    async def blueprint(self, form: ServiceForm, number: int = 1) -> Blueprint:
        ids = {network.object_name: network.handle.id for network in (await self.look()).networks}
        return blueprint_of(form, self.owner, self.image, ids, number)

    def dying(self, last: int) -> DockerRuntime:
        """A runtime on the same engine whose process dies after change number ``last``."""
        return DockerRuntime(engine=DyingEngine(str(self.engine.socket), last))

    def clean(self) -> None:
        for kind, verb in (("container", "ps -a"), ("network", "network ls"), ("volume", "volume ls")):
            listed = self.engine.cli(*verb.split(), "-q", "--filter", f"name={self.owner.project}").split()
            if listed:
                self.engine.cli(*(["rm", "-fv"] if kind == "container" else [kind, "rm"]), *listed)


def digest_of(host: str, repository: str, tag: str) -> Digest:
    head = urllib.request.Request(
        f"http://{host}/v2/{repository}/manifests/{tag}", method="HEAD", headers={"Accept": MANIFEST}
    )
    with urllib.request.urlopen(head, timeout=20) as answer:
        return Digest.parse(answer.headers["Docker-Content-Digest"])

"""A git repository and a world in memory, with the verbs of the command line run on both."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from git_repository import WrittenRepository
from providers.memory import Behaviour, MemoryBuilder, MemoryEngine, MemoryProxies, MemoryRegistry
from published import hold_to_schema
from reconciler.cli.envelope import Report, dump, envelope
from reconciler.cli.options import Options
from reconciler.cli.workspace import Workspace, open_workspace
from reconciler.clients import Clients
from reconciler.outputs.schema import OUTPUTS
from reconciler.ownership import Owner
from reconciler.provider import Login, Registry
from reconciler.resolve import registry_port
from specs.reference import Digest, ImageRef
from specs.registry import Registry as RegistrySpec
from virtual_time import run_hastily

Verb = Callable[[Workspace, Clients], Awaitable[Report]]
OWNER = Owner("shop", "dev")
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
SECRET_SERVICE = """\
---
apiVersion: reconciler/v1
kind: Service
metadata: {name: db}
spec:
  image: "busybox:1.36"
  environment: {PASSWORD: {secret: db-password}}
  rollout: {monitor: 1s, deadline: 20s}
"""
FILES = {
    "specs/shop.yaml": SPECS,
    "web/Dockerfile": "FROM busybox:1.36\nCOPY app /app\n",
    "web/app": "one\n",
    "page.txt": "hello\n",
}
LOCAL = f"localhost:{registry_port(RegistrySpec(provider='local'), OWNER)}"


@dataclass
class CliWorld:
    """Verbs run as the command line runs them; only the providers of runtime, registry and builder differ."""

    repository: WrittenRepository
    engine: MemoryEngine = field(default_factory=MemoryEngine)
    registries: dict[str, MemoryRegistry] = field(default_factory=dict)
    builder: MemoryBuilder = field(init=False)
    proxies: MemoryProxies = field(init=False)

    def __post_init__(self) -> None:
        self.registries = {host: MemoryRegistry(host) for host in (LOCAL, "docker.io")}
        self.engine.connect(*self.registries.values())
        self.builder = MemoryBuilder(self.registries, self.engine.time)
        self.proxies = MemoryProxies(self.engine)
        self.publish("busybox:1.36")

    def publish(self, reference: str) -> Digest:
        """Have an image from outside."""
        return self.registries["docker.io"].push(ImageRef.parse(reference))

    def behave(self, reference: str, behaviour: Behaviour) -> None:
        """Let containers of an image from outside behave so from now on."""
        self.engine.behave(self.publish(reference), behaviour)

    def options(self, verb: str, **fields: object) -> Options:
        """A command line in the repository's folder."""
        words = {"repo": str(self.repository.path), "environment": "dev", "timeout": 30.0, **fields}
        return Options(verb, **words)  # type: ignore[arg-type] # names and types of Options by the tests

    def run(self, verb: Verb, name: str = "", **fields: object) -> Report:
        """Run a verb to its end while the engine's clock goes by. Raises what the verb raises."""
        workspace = open_workspace(self.options(name or verb.__name__, **fields))
        report = run_hastily(self._run(workspace, verb))
        if (printed := (name or verb.__name__).removeprefix("report_")) in OUTPUTS:
            hold_to_schema(json.loads(dump(envelope(printed, report))))
        return report

    async def _run(self, workspace: Workspace, verb: Verb) -> Report:
        clock = asyncio.create_task(self._tick())
        try:
            return await verb(workspace, self.clients(workspace))
        finally:
            clock.cancel()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(0.02)
            self.engine.advance(0.5)

    def clients(self, workspace: Workspace) -> Clients:
        """What the workspace says, with providers in memory."""
        workspace.stock.open_registry = self._registry
        real = workspace.clients(lambda endpoint: self.engine, lambda endpoint, logins: self.builder)
        return replace(real, registry=self._registry, login=self._login, proxies=self.proxies)

    async def _registry(self, ref: ImageRef) -> Registry:
        return self.registries[ref.host]

    async def _login(self, ref: ImageRef) -> Login | None:
        return None


def make_world(folder: Path, files: Mapping[str, str]) -> CliWorld:
    """A world whose repository holds these files in its first commit."""
    repository = WrittenRepository(folder)
    repository.commit(files, "first")
    return CliWorld(repository)


def live_name(world: CliWorld, service_name: str) -> str:
    names = [c.name for c in world.engine.ground.containers.values()]
    (name,) = [n for n in names if re.fullmatch(rf"shop_dev_{service_name}_[0-9a-f]{{8}}_\d+", n)]
    return name


def states(report: Report) -> dict[str, str]:
    services = report.members["services"]
    assert isinstance(services, list)
    return {str(s["service"]): str(s["state"]) for s in services if isinstance(s, dict)}

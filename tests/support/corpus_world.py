"""A converted corpus project on the engine in memory: applied once, then looked at again and again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from git_repository import WrittenRepository
from providers.memory import Behaviour, MemoryBuilder, MemoryEngine, MemoryRegistry
from reconciler.assess import assess_drift
from reconciler.cli.initialise import render_documents
from reconciler.cli.options import Options
from reconciler.cli.workspace import Workspace, open_workspace
from reconciler.clients import Clients
from reconciler.decision import Plan
from reconciler.desired import Desired
from reconciler.execute import Executor
from reconciler.observe import Memory, observe
from reconciler.observed import Observed
from reconciler.ownership import Owner
from reconciler.plan import plan
from reconciler.provider import Login, Registry
from specs.reference import Digest, ImageRef

JOB_IMAGE = "registry.test/jobs/%s:1"


class FullRegistry(MemoryRegistry):
    """A registry that has whatever is asked for by a tag."""

    def find(self, ref: ImageRef) -> Digest | None:
        return super().find(ref) or (self.push(ref) if ref.digest is None else None)


@dataclass
class CorpusWorld:
    """One project: its workspace, an engine, every registry that its images name."""

    workspace: Workspace
    engine: MemoryEngine = field(default_factory=MemoryEngine)
    registries: dict[str, MemoryRegistry] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)
    clients: Clients = field(init=False)
    executor: Executor = field(init=False)
    desired: Desired = field(init=False)

    def __post_init__(self) -> None:
        builder = MemoryBuilder(self.registries, self.engine.time)
        self.workspace.stock.open_registry = self._registry
        real = self.workspace.clients(lambda reach: self.engine, lambda reach, logins: builder)
        self.clients = Clients(self.engine, self._registry, self._login, real.builder, self.workspace.stock)
        self.executor = Executor(self.workspace.owner, self.clients)
        self.desired = self.workspace.desired
        owner = Owner("stranger", "dev")
        for network in self.workspace.effective.networks.values():
            if network.external:
                self.engine.hand.add_network(network.name or "", {"by": str(owner)})
        for volume in self.workspace.effective.volumes.values():
            if volume.external:
                self.engine.hand.add_volume(volume.name or "", {"by": str(owner)})

    async def _registry(self, ref: ImageRef) -> Registry:
        return self.registry(ref.host)

    def registry(self, host: str) -> MemoryRegistry:
        if host not in self.registries:
            is_ours = host.startswith(("localhost", "127."))
            self.registries[host] = MemoryRegistry(host) if is_ours else FullRegistry(host)
            self.engine.connect(self.registries[host])
        return self.registries[host]

    async def _login(self, ref: ImageRef) -> Login | None:
        return None

    async def look(self) -> Observed:
        return await observe(self.desired, self.clients, self.memory, frozenset(), self.executor.attempts)

    async def settle(self, passes: int = 400) -> Plan:
        """Passes until the plan settles, the clock moved when only time is left."""
        decided = None
        for _ in range(passes):
            observed = await self.look()
            self.desired = self.workspace.meet(observed)
            decided = plan(self.desired, observed, observed.at)
            if decided.settled:
                return decided
            self.executor.start(decided.actions, observed)
            if self.executor.tasks:
                await asyncio.gather(*list(self.executor.tasks.values()))
            failed = [str(o) for o in self.executor.take_outcomes() if o.result == "failed"]
            assert not failed, failed
            if not decided.actions:
                now = self.engine.clock
                times = [w.recheck_at for w in decided.waits if w.recheck_at is not None]
                self.engine.advance(max(0.05, min(times, default=now + 1.0) - now))
        raise AssertionError(f"not settled after {passes} passes: {decided}")

    async def count_differences(self, passes: int) -> list[str]:
        """Whatever a clean world is said to differ in, over so many passes; time goes by between them."""
        found: list[str] = []
        for number in range(passes):
            self.engine.advance(7.0)
            observed = await self.look()
            decided = plan(self.desired, observed, observed.at)
            if not decided.settled or decided.actions:
                found.append(f"pass {number}: {decided}")
            found += [
                f"pass {number}: {drift}"
                for drift in assess_drift(self.desired, observed, observed.at)
                if drift.result != "clean" or drift.diffs or drift.pending
            ]
        return found


def open_world(root: Path) -> CorpusWorld:
    """The world of a converted project. Jobs get an image of their own, so that it can end well; every other
    image runs on."""
    jobs = _give_jobs_images(root)
    repository = WrittenRepository(root)
    repository.commit(message="converted")
    world = CorpusWorld(open_workspace(Options("apply", environment="dev", repo=str(root))))
    for job in jobs:
        ref = ImageRef.parse(JOB_IMAGE % job)
        digest = world.registry(ref.host).push(ref)
        world.engine.behave(digest, Behaviour(exits_after=0.5, exit_code=0))
    return world


def _give_jobs_images(root: Path) -> list[str]:
    found: list[str] = []
    for path in (root / "specs").glob("*.yaml"):
        parts = list(yaml.safe_load_all(path.read_text()))
        jobs = [part for part in parts if part["kind"] == "Service" and _is_job(part["spec"])]
        for part in jobs:
            found.append(part["metadata"]["name"])
            part["spec"]["image"] = JOB_IMAGE % found[-1]
        if jobs:
            path.write_text(render_documents(parts))
    return found


def _is_job(spec: dict[str, object]) -> bool:
    return str(spec.get("restart", "")).startswith(("no", "on-failure")) or spec.get("restart") is False

"""A whole loop in this process, over an engine in memory and real git, with its port on a unix socket."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from git_repository import WrittenRepository
from providers.memory import MemoryEngine, MemoryRegistry
from reconciler.cli.loop_process import Loop
from reconciler.cli.loop_runtimes import Runtimes
from reconciler.cli.reach import Reach
from reconciler.ownership import Owner
from reconciler.provider import Runtime
from specs.reference import ImageRef
from specs.run_file import RunFile, load_run

SECRET = "webhook-secret-in-no-output"
_HEAD = "apiVersion: reconciler/v1\nkind: "
_ROLLOUT = "rollout: {monitor: 100ms, deadline: 20s}"


class MemoryRuntimes(Runtimes):
    """One engine in memory, whatever endpoint a document names."""

    engine: MemoryEngine

    def open(self, reach: Reach) -> Runtime:
        return self.engine


@dataclass
class LoopSite:
    """Repositories, a Run file, and the loop that keeps them."""

    folder: Path
    engine: MemoryEngine = field(default_factory=MemoryEngine)
    image: str = ""
    loop: Loop = field(init=False)
    session: aiohttp.ClientSession = field(init=False)

    def __post_init__(self) -> None:
        registry = MemoryRegistry("docker.io")
        self.image = f"redis:7@{registry.push(ImageRef.parse('redis:7'))}"
        self.engine.connect(registry)
        (self.folder / "secret").write_text(f"{SECRET}\n")

    def repository(self, name: str, *environment_names: str) -> WrittenRepository:
        """One with a service in each of these environments of a project of its own name."""
        repository = WrittenRepository(self.folder / name)
        self.commit(name, "1", *environment_names)
        return repository

    def commit(self, name: str, version: str, *environment_names: str, spec: str = "") -> str:
        """Another version of the service; the commit."""
        documents = [
            f"{_HEAD}Environment\nmetadata: {{name: {e}}}\nspec: {{project: {name}}}\n"
            for e in environment_names or ("dev",)
        ]
        words = spec or f"image: '{self.image}', environment: {{VERSION: '{version}'}}, {_ROLLOUT}"
        documents.append(f"{_HEAD}Service\nmetadata: {{name: web}}\nspec: {{{words}}}\n")
        return WrittenRepository(self.folder / name).commit({"specs/all.yaml": "---\n".join(documents)})

    def run_text(self, *names: str, words: str = "", entry: str = "") -> str:
        """A Run file of these repositories; ``entry`` are more words of each, ``words`` of the whole."""
        entries = "".join(
            f"    - {{name: {name}, folder: {self.folder}/{name}, poll: 1h, bounds: any,"
            f" webhook_secret: {self.folder}/secret{entry}}}\n"
            for name in names
        )
        listen = f"  listen: unix:{self.folder}/http.sock\n"
        return f"{_HEAD}Run\nmetadata: {{name: r}}\nspec:\n  repositories:\n{entries}{listen}{words}"

    def config(self, *names: str, words: str = "", entry: str = "") -> RunFile:
        """The same, read."""
        found, problems = load_run("run.yaml", self.run_text(*names, words=words, entry=entry).encode())
        assert found is not None, [str(problem) for problem in problems]
        return found

    def is_settled(self, project: str, environment_name: str = "dev") -> bool:
        keeper = self.loop.keepers.get(Owner(project, environment_name))
        return keeper is not None and keeper.rest is not None and keeper.rest.result == "settled"

    async def until(self, condition: Callable[[], object], seconds: float = 15.0) -> None:
        """Wait for it; AssertionError when it does not come."""
        limit = asyncio.get_running_loop().time() + seconds
        while not condition():
            assert asyncio.get_running_loop().time() < limit, "it does not happen"
            await asyncio.sleep(0.01)

    async def get(self, path: str) -> tuple[int, Any]:
        async with self.session.get(f"http://loop{path}") as answer:
            return answer.status, _read(await answer.text())

    async def post(self, path: str, body: Any, headers: Any = None) -> tuple[int, Any]:
        async with self.session.post(f"http://loop{path}", data=body, headers=headers) as answer:
            return answer.status, _read(await answer.text())

    async def push(self, name: str, event: object, query: str = "", **headers: str) -> tuple[int, Any]:
        """A webhook as GitHub signs it."""
        body = json.dumps(event).encode()
        given = {"Content-Type": "application/json", "X-GitHub-Event": "push", **sign(body), **headers}
        return await self.post(f"/v1/webhook/{name}{query}", body, given)


def sign(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """GitHub's signature."""
    return {"X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def event(name: str = "shop", ref: str = "refs/heads/main", **words: object) -> dict[str, object]:
    """What GitHub sends for a push."""
    place = {"clone_url": f"https://git.example.com/team/{name}.git"}
    return {"ref": ref, "repository": place, **words}


def _read(text: str) -> Any:
    return json.loads(text) if text.startswith("{") else text


@asynccontextmanager
async def looping(site: LoopSite, config: RunFile) -> AsyncIterator[LoopSite]:
    """Runs until the block ends; the engine's clock goes twenty times as fast as ours."""
    runtimes = MemoryRuntimes()
    runtimes.engine = site.engine
    site.loop = Loop(config, runtimes=runtimes)

    async def tick() -> None:
        while True:
            await asyncio.sleep(0.02)
            site.engine.advance(0.4)
            for keeper in site.loop.keepers.values():
                if keeper.rest is None:
                    keeper.hint()  # its pauses are by our clock, and the engine's is faster

    running, clock = asyncio.create_task(site.loop.run()), asyncio.create_task(tick())
    connector = aiohttp.UnixConnector(path=str(site.folder / "http.sock"), limit=60)
    try:
        async with aiohttp.ClientSession(connector=connector) as site.session:
            yield site
    finally:
        site.loop.stop()
        await running
        clock.cancel()

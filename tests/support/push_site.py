"""A whole loop in this process, over an engine in memory, that is pushed to by the real git."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from git_repository import WrittenRepository
from reconciler.cli.loop_control import control_socket
from reconciler.cli.loop_process import Loop
from reconciler.cli.loop_runtimes import Runtimes
from reconciler.cli.reach import Reach
from reconciler.provider import Runtime
from specs.run_file import RunFile, load_run
from worlds import MemoryWorld

TOKEN = "token-of-ann-in-no-output"
_STEP = 0.02
_FASTER = 20
"""How much faster than ours the engine's clock goes."""
HEAD = "apiVersion: reconciler/v1\nkind: "


@dataclass(slots=True)
class MemoryRuntimes(Runtimes):
    """Every engine is one in memory."""

    world: MemoryWorld = field(default_factory=MemoryWorld)

    def open(self, reach: Reach) -> Runtime:
        return self.world.engine


@dataclass
class PushSite:
    """The loop at work, and a clone to push from."""

    folder: Path
    loop: Loop
    world: MemoryWorld
    port: int
    clone: WrittenRepository
    image: str
    variables: dict[str, str]

    @property
    def bare(self) -> Path:
        return self.folder / "shop.git"

    def url(self, user: str = "ann", token: str = TOKEN, name: str = "shop") -> str:
        return f"http://{user}:{token}@127.0.0.1:{self.port}/git/{name}.git"

    def environment(self, name: str = "dev", **spec: str) -> str:
        words = "".join(f", {key}: {value}" for key, value in spec.items())
        return f"{HEAD}Environment\nmetadata: {{name: {name}}}\nspec: {{project: shop{words}}}\n"

    def service(self, version: str, **spec: str) -> str:
        words = "".join(f", {key}: {value}" for key, value in spec.items())
        rollout = "rollout: {monitor: 100ms}"
        return (
            f"{HEAD}Service\nmetadata: {{name: web}}\n"
            f"spec: {{image: '{self.image}', environment: {{VERSION: '{version}'}}, {rollout}{words}}}\n"
        )

    def commit(self, version: str, files: Mapping[str, str] | None = None, **spec: str) -> str:
        """A commit in which ``web`` is of this version."""
        service = {"specs/web.yaml": self.service(version, **spec)}
        return self.clone.commit({"specs/dev.yaml": self.environment(), **service, **(files or {})}, version)

    def start(self, *words: str, to: str = "") -> asyncio.Task[tuple[int, str]]:
        """``git push`` with these words, main unless they name a ref."""
        return asyncio.create_task(self.push(*words, to=to))

    async def push(self, *words: str, to: str = "") -> tuple[int, str]:
        """Exit status, and all that the pusher sees."""
        refs = [word for word in words if not word.startswith("-")] or ["main"]
        options = [word for word in words if word.startswith("-")]
        return await self.git("push", *options, to or self.url(), *refs)

    async def git(self, *words: str) -> tuple[int, str]:
        """git in the clone, as the pusher runs it."""
        child = await asyncio.create_subprocess_exec(
            "git",
            *words,
            cwd=self.clone.path,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        out, _ = await asyncio.wait_for(child.communicate(), 60)
        return child.returncode or 0, out.decode()

    def running(self) -> list[str]:
        """The names of what runs."""
        containers = self.world.engine.ground.containers.values()
        return sorted(c.name for c in containers if c.phase.value == "running")

    async def until(self, condition: Callable[[], object], seconds: float = 20.0) -> None:
        """Wait for it; AssertionError when it does not come."""
        limit = asyncio.get_running_loop().time() + seconds
        while not condition():
            assert asyncio.get_running_loop().time() < limit, "it does not happen"
            await asyncio.sleep(_STEP)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def run_file(folder: Path, port: int, pushers: str, repository: str = "") -> RunFile:
    """The loop's own file: repository ``shop``, pushed to."""
    text = (
        f"{HEAD}Run\nmetadata: {{name: main}}\nspec:\n"
        f"  listen: 127.0.0.1:{port}\n  repositories:\n"
        f"    - {{name: shop, folder: {folder}/shop.git, receive: true, bounds: any, poll: 1h{repository}}}\n"
        f"  pushers:\n{pushers}"
    )
    found, problems = load_run("run.yaml", text.encode())
    assert found is not None, problems
    (folder / "run.yaml").write_text(text)
    return found


@asynccontextmanager
async def push_site(folder: Path, pushers: str = "", repository: str = "") -> AsyncIterator[PushSite]:
    """Runs until the block ends. ``pushers`` in YAML; ann, who may push main and tags v*, unless given."""
    port = _free_port()
    (folder / "ann").write_text(TOKEN + "\n")
    ann = f"    - {{name: ann, token: {folder}/ann, repositories: [shop], environments: [dev], "
    ann += "refs: [main, 'release/*', 'refs/tags/v*']}\n"
    world = MemoryWorld()
    loop = Loop(run_file(folder, port, pushers or ann, repository), runtimes=MemoryRuntimes(world=world))
    digest = world.publish("redis:7")
    clone = WrittenRepository(folder / "clone")
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
    }
    site = PushSite(folder, loop, world, port, clone, f"redis:7@{digest}", variables)

    async def tick() -> None:
        while True:
            await asyncio.sleep(_STEP)
            world.engine.advance(_STEP * _FASTER)

    clock, work = asyncio.create_task(tick()), asyncio.create_task(loop.run())
    try:
        await site.until(lambda: control_socket().exists() and _listens(port))
        yield site
    finally:
        loop.stop()
        await work
        clock.cancel()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0

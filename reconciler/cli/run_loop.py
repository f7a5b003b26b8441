"""Verb ``run``: the loop, for one or more repositories and environments, until it is stopped."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.envelope import Report, Stop, failure
from reconciler.cli.exits import DONE, ERROR, USAGE
from reconciler.cli.loop_control import control_socket, serve_control
from reconciler.cli.loop_http import Served, serve_http
from reconciler.cli.loop_source import Openers, RepositoryWatch
from reconciler.cli.loop_voice import Voice
from reconciler.cli.options import Options
from reconciler.cli.reach import Reach
from reconciler.cli.receive import prepare_repository
from reconciler.cli.session import open_buildx, open_docker
from reconciler.cli.source import is_url
from reconciler.cli.workspace import Workspace
from reconciler.keeper import Keeper
from reconciler.ownership import Owner
from reconciler.provider import ProviderError, Runtime
from reconciler.secret_names import secret_names
from reconciler.serve import Post, Tell, listen, serve
from reconciler.snapshot import Snapshot
from specs.problem import Problem
from specs.run_file import RunFile, RunRepository, RunSpec, load_run

if TYPE_CHECKING:
    from providers.docker.line import Line

_MAX_CONFIG = 1 << 20


def run(options: Options) -> Report:
    """Keep what the Run file names until SIGTERM or SIGINT. Raises Stop, ProviderError."""
    config = _from_options(options) if options.config is None else _read(Path(options.config))
    asyncio.run(_run(config))
    return Report(DONE)


def _read(path: Path) -> RunFile:
    try:
        content = path.read_bytes()[: _MAX_CONFIG + 1]
    except OSError as error:
        seen = error.strerror or "it cannot be read"
        raise Stop(ERROR, (failure("CLI040", str(path), seen, "a Run file that can be read"),)) from None
    found, problems = load_run(str(path), content)
    if found is None:
        raise Stop(ERROR, tuple(problems))
    return found


def _from_options(options: Options) -> RunFile:
    """One repository, by flags."""
    if not options.environment:
        raise Stop(USAGE, (failure("CLI040", "run", "neither --config nor an environment", "one of them"),))
    is_remote = is_url(options.repo)
    repository = RunRepository(
        name="main",
        url=options.repo if is_remote else None,
        folder=None if is_remote else str(Path(options.repo).resolve()),
        path=options.path,
        environments=(options.environment,),
    )
    return RunFile("flags", RunSpec(repositories=(repository,)))


@dataclass(slots=True)
class Loop:
    """One process: its repositories and the keepers of their environments."""

    config: RunFile
    voice: Voice = field(default_factory=Voice)
    keepers: dict[Owner, Keeper] = field(default_factory=dict)
    watches: dict[str, RepositoryWatch] = field(default_factory=dict)
    runtimes: dict[str, Runtime] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Until ``stopping``."""
        for entry in self.config.spec.repositories:
            if entry.receive:
                await asyncio.to_thread(prepare_repository, entry)
            self.watches[entry.name] = self._watch(entry)
        posts = [Post(f"repository {name}", watch.watch) for name, watch in self.watches.items()]
        if self.config.spec.listen is not None:
            posts.append(Post(f"port {self.config.spec.listen}", self._serve_http))
        if any(entry.receive for entry in self.config.spec.repositories):
            posts.append(Post("socket", self._serve_control))
        try:
            await serve(posts, self.stopping, self.voice.crashed)
        finally:
            await self._end()

    def _watch(self, entry: RunRepository) -> RepositoryWatch:
        def offer(workspace: Workspace, snapshot: Snapshot) -> None:
            self._offer(entry, workspace, snapshot)

        def fault(environment_name: str, problems: Sequence[Problem]) -> None:
            self.voice.wrong(f"{entry.name} {environment_name}".strip(), problems)

        def unreachable(error: ProviderError) -> None:
            self.voice.failed(entry.name, error)

        def left(environment_name: str) -> None:
            about = f"{entry.name} {environment_name}"
            self.voice.log.info("left alone", about=about, reason="deploy: manual waits for apply")

        openers = Openers(self.open_runtime, open_buildx)
        return RepositoryWatch(entry, openers, offer, fault, unreachable, left, self.config.spec.secrets)

    async def _serve_http(self, stopping: asyncio.Event) -> None:
        await serve_http(self.config.spec.listen or "", self._served(), stopping)

    async def _serve_control(self, stopping: asyncio.Event) -> None:
        await serve_control(control_socket(), self._served(), self.voice.followers, stopping)

    def _served(self) -> Served:
        def owners(name: str) -> list[Owner]:
            return [owner for owner, keeps in self.voice.repositories.items() if keeps == name]

        return Served(self.watches, self.keepers, owners)

    def stop(self) -> None:
        """Finish what was begun, and end."""
        self.stopping.set()
        for keeper in self.keepers.values():
            keeper.hint()

    def _offer(self, entry: RunRepository, workspace: Workspace, snapshot: Snapshot) -> None:
        owner = workspace.owner
        keeps = self.voice.repositories.setdefault(owner, entry.name)
        if keeps != entry.name:
            seen = f"the owner {owner} is kept by repository {keeps} already"
            self.voice.wrong(entry.name, [failure("CLI043", str(owner), seen, "one source for an owner")])
            return
        self._learn(workspace)
        if owner not in self.keepers:
            self._begin(owner, snapshot)
        self.keepers[owner].offer(snapshot)
        self.voice.log.info("commit", owner=str(owner), commit=workspace.desired.commit)

    def _begin(self, owner: Owner, snapshot: Snapshot) -> None:
        keeper = Keeper(owner, self.voice.heard(owner), self.config.spec.resync)
        self.keepers[owner] = keeper
        runtime = snapshot.clients.runtime

        async def hear(stopping: asyncio.Event) -> None:
            await listen(lambda: runtime.watch(owner), keeper, stopping)

        tell: Tell = self.voice.crashed
        posts = [Post(f"environment {owner}", keeper.keep), Post(f"events of {owner}", hear)]
        task = asyncio.get_running_loop().create_task(serve(posts, self.stopping, tell), name=str(owner))
        self._tasks.add(task)

    def _learn(self, workspace: Workspace) -> None:
        names = {n for service in workspace.desired.services.values() for n in secret_names(service.form)}
        values = set(workspace.stock.secret_store.values(names).values())
        if not values <= self.voice.secrets:
            self.voice.learn(values)

    def open_runtime(self, reach: Reach) -> Runtime:
        """One for each endpoint, with its one connection. A loop asks neither DOCKER_HOST nor a context what
        it works on. Raises Refused."""
        where = str(reach.chosen.endpoint)
        reach.line = self.lines.setdefault(where, reach.line)
        if where not in self.runtimes:
            self.runtimes[where] = open_docker(reach)
        return self.runtimes[where]

    async def _end(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks)
        for runtime in self.runtimes.values():
            await runtime.close()


async def _run(config: RunFile) -> None:
    loop = Loop(config)
    running = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        running.add_signal_handler(number, loop.stop)
    loop.voice.log.info("started", repositories=[r.name for r in config.spec.repositories], pid=os.getpid())
    await loop.run()
    loop.voice.log.info("stopped")

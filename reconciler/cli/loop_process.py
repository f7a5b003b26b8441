"""One process that keeps what a Run file names: its repositories and the keepers of their environments."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.cli.envelope import failure
from reconciler.cli.loop_audience import Listener, Refusal, heard_by
from reconciler.cli.loop_control import control_socket, serve_control
from reconciler.cli.loop_http import Served, serve_http
from reconciler.cli.loop_source import Openers, RepositoryWatch
from reconciler.cli.loop_voice import Voice
from reconciler.cli.reach import Reach
from reconciler.cli.receive import prepare_repository
from reconciler.cli.session import open_buildx, open_docker
from reconciler.cli.workspace import Workspace
from reconciler.keeper import Keeper
from reconciler.ownership import Owner
from reconciler.provider import ProviderError, Runtime
from reconciler.secret_names import secret_names
from reconciler.serve import Post, Tell, listen, serve
from reconciler.sharing import Sharing
from reconciler.snapshot import Snapshot
from specs.run_file import RunFile
from specs.run_repository import RunRepository

if TYPE_CHECKING:
    from providers.docker.line import Line


@dataclass(slots=True)
class Loop:
    """One process: its repositories and the keepers of their environments."""

    config: RunFile
    voice: Voice = field(default_factory=Voice)
    listeners: list[Listener] = field(default_factory=list)
    """Who is told besides the voice."""
    keepers: dict[Owner, Keeper] = field(default_factory=dict)
    kept_by: dict[Owner, str] = field(default_factory=dict)
    """Which repository keeps an owner."""
    watches: dict[str, RepositoryWatch] = field(default_factory=dict)
    runtimes: dict[str, Runtime] = field(default_factory=dict)
    sharing: Sharing = field(default_factory=Sharing)
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

        def unreachable(error: ProviderError) -> None:
            self.voice.failed(entry.name, error)

        def left(environment_name: str) -> None:
            about = f"{entry.name} {environment_name}"
            self.voice.log.info("left alone", about=about, reason="deploy: manual waits for apply")

        openers = Openers(self.open_runtime, open_buildx)
        return RepositoryWatch(
            entry, openers, offer, self._refuse, unreachable, left, self.config.spec.secrets
        )

    def _everybody(self) -> list[Listener]:
        return [self.voice, *self.listeners]

    def _refuse(self, refusal: Refusal) -> None:
        for listener in self._everybody():
            listener.refused(refusal)

    async def _serve_http(self, stopping: asyncio.Event) -> None:
        await serve_http(self.config.spec.listen or "", self._served(), stopping)

    async def _serve_control(self, stopping: asyncio.Event) -> None:
        await serve_control(control_socket(), self._served(), self.voice.followers, stopping)

    def _served(self) -> Served:
        def owners(name: str) -> list[Owner]:
            return [owner for owner, keeps in self.kept_by.items() if keeps == name]

        return Served(self.watches, self.keepers, owners)

    def stop(self) -> None:
        """Finish what was begun, and end."""
        self.stopping.set()
        for keeper in self.keepers.values():
            keeper.hint()

    def _offer(self, entry: RunRepository, workspace: Workspace, snapshot: Snapshot) -> None:
        owner = workspace.owner
        keeps = self.kept_by.setdefault(owner, entry.name)
        if keeps != entry.name:
            seen = f"the owner {owner} is kept by repository {keeps} already"
            problem = failure("CLI043", str(owner), seen, "one source for an owner")
            self._refuse(Refusal(entry.name, owner.environment, workspace.desired.commit, (problem,)))
            return
        self._learn(workspace)
        if owner not in self.keepers:
            self._begin(owner, snapshot)
        self.keepers[owner].offer(snapshot)
        self.voice.log.info("commit", owner=str(owner), commit=workspace.desired.commit)
        self.voice.warn(owner, workspace.problems)

    def _begin(self, owner: Owner, snapshot: Snapshot) -> None:
        heard = heard_by(self._everybody(), owner, self.kept_by[owner])
        keeper = Keeper(owner, heard, self.config.spec.resync, sharing=self.sharing)
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

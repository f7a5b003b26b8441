"""One process that keeps what a Run file names: its repositories and the keepers of their environments."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from reconciler.cli.applied_watch import AppliedNews
from reconciler.cli.envelope import failure
from reconciler.cli.loop_audience import Listener, Refusal, heard_by
from reconciler.cli.loop_control import control_socket, serve_control
from reconciler.cli.loop_group import Group, Running, begin, prepare
from reconciler.cli.loop_http import Served, serve_http
from reconciler.cli.loop_post import open_post
from reconciler.cli.loop_promotions import Promotions
from reconciler.cli.loop_pushes import open_desk, open_door
from reconciler.cli.loop_records import Records
from reconciler.cli.loop_runtimes import Runtimes
from reconciler.cli.loop_source import Openers, RepositoryWatch
from reconciler.cli.loop_voice import Voice
from reconciler.cli.onlookers import Onlookers
from reconciler.cli.postman import Postman
from reconciler.cli.receive_upkeep import upkeep
from reconciler.cli.session import open_buildx
from reconciler.cli.workspace import Workspace
from reconciler.clients import OpenRegistry
from reconciler.keeper import Keeper
from reconciler.ownership import Owner
from reconciler.provider import ProviderError
from reconciler.secret_names import secret_names
from reconciler.serve import Post, listen
from reconciler.sharing import Sharing
from reconciler.snapshot import Snapshot
from specs.run_file import RunFile
from specs.run_repository import RunRepository, may_share

_KEEPER_ENDS = 36.0
"""Seconds: an action that was begun has thirty of them, and the lease is given back."""
_WATCH_ENDS = 1.0
_PORT_ENDS = 4.0
_POST_ENDS = 2.0


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
    groups: dict[str, Group] = field(default_factory=dict)
    watches: dict[str, RepositoryWatch] = field(default_factory=dict)
    runtimes: Runtimes = field(default_factory=Runtimes)
    sharing: Sharing = field(default_factory=Sharing)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    is_late: bool = False
    """Something did not end in time: a thread of ours may still wait for a process of git's."""
    _ports: dict[str, Running] = field(default_factory=dict)
    _applied: AppliedNews = field(init=False)
    onlookers: Onlookers = field(init=False)
    served: Served = field(init=False)
    postman: Postman = field(init=False)
    records: Records = field(init=False)
    promotions: Promotions = field(init=False)

    def __post_init__(self) -> None:
        self.records = Records(self._registry, self.voice.warn)
        self.onlookers = Onlookers(self.voice.secrets)
        self._applied = AppliedNews(self._reread)
        results, self.postman = open_post(lambda: self.config.spec, self.voice)
        self.promotions = Promotions(self.voice, self.keepers, lambda: self.config.spec.secrets)
        self.listeners += [self.records, self.promotions, results]
        outbox = self.postman.outbox
        self.served = Served(self.watches, self.keepers, self._owners, self.stopping, outbox=outbox)

    async def run(self, opened: Callable[[], None] = lambda: None) -> None:
        """Until ``stopping``; ``opened`` is called when all is at work. Raises ProviderError and OSError
        where a repository cannot be made."""
        await prepare(self.config.spec.repositories)
        post = begin("results", [Post("results", self.postman.work)], self.crashed)
        try:
            for entry in self.config.spec.repositories:
                self.begin_repository(entry)
            await self.open_ports()
            opened()
            await self.stopping.wait()
        finally:
            await self._end()
            await post.end(_POST_ENDS)  # last of all: what became of what was begun is told

    def stop(self) -> None:
        """Finish what was begun, and end."""
        self.stopping.set()
        for keeper in self.keepers.values():
            keeper.hint()

    def begin_repository(self, entry: RunRepository) -> None:
        """Keep it from now on; what another entry of this name kept is taken over as it is."""
        watch = self._watch(entry)
        watch.rivals = [other for other in self.watches.values() if may_share(other.entry, entry)]
        posts = [Post(f"repository {entry.name}", watch.watch), *upkeep(entry), *self.promotions.posts(watch)]
        watching = begin(entry.name, posts, self.crashed)
        earlier = self.groups.get(entry.name)
        environments = earlier.environments if earlier is not None else {}
        self.groups[entry.name] = Group(entry, watch, watching, environments)
        self.watches[entry.name] = watch

    def crashed(self, name: str, error: BaseException) -> None:
        """A fault of ours ended this work, which is begun again."""
        self.voice.crashed(name, error)
        self.served.health.crashed(name, asyncio.get_running_loop().time())

    async def end_watch(self, name: str) -> None:
        """Ask no more for news of it. What is kept of it is kept on."""
        group = self.groups[name]
        self.is_late |= not await group.watching.end(_WATCH_ENDS)
        group.watch.give_up()
        del self.watches[name]

    async def end_repository(self, name: str) -> None:
        """Keep it no longer. What runs stays."""
        await self.end_watch(name)
        group = self.groups[name]
        await asyncio.gather(*(self.end_environment(owner) for owner in list(group.environments)))
        del self.groups[name]

    async def end_environment(self, owner: Owner) -> None:
        """Keep it no longer. What runs stays; what was begun is finished."""
        environments = self.groups[self.kept_by[owner]].environments
        running = environments[owner]
        running.stopping.set()
        self.keepers[owner].hint()
        await running.end(_KEEPER_ENDS)
        del environments[owner], self.keepers[owner], self.kept_by[owner]

    async def open_ports(self) -> None:
        """Listen where the Run file says, and nowhere else."""
        wanted: dict[str, Post] = {}
        if self.config.spec.listen is not None:
            name = f"port {self.config.spec.listen}"
            wanted[name] = Post(name, self._serve_http)
        if any(entry.receive for entry in self.config.spec.repositories):
            wanted["socket"] = Post("socket", self._serve_control)
        for name in [name for name in self._ports if name not in wanted]:
            await self._ports.pop(name).end(_PORT_ENDS)
        for name in wanted:
            if name not in self._ports:
                self._ports[name] = begin(name, [wanted[name]], self.crashed)

    def _watch(self, entry: RunRepository) -> RepositoryWatch:
        def offer(workspace: Workspace, snapshot: Snapshot) -> bool:
            return self._offer(entry, workspace, snapshot)

        def unreachable(error: ProviderError) -> None:
            self.voice.failed(entry.name, error)
            self.served.health.failures[entry.name] += 1

        def waits(environment_name: str, applied: str | None, pending: str) -> None:
            about, kept = f"{entry.name} {environment_name}", applied or "nothing yet"
            self.voice.log.info("pending", about=about, applied=kept, pending=pending, ends="apply")

        openers = Openers(self.runtimes.open, open_buildx)
        return RepositoryWatch(
            entry, openers, offer, self._refuse, unreachable, waits, self.config.spec.secrets
        )

    def _everybody(self) -> list[Listener]:
        return [self.voice, self._applied, self.onlookers, *self.listeners]

    def _reread(self, repository: str, trigger: str) -> None:
        if (watch := self.watches.get(repository)) is not None:
            watch.reread(trigger)

    def _refuse(self, refusal: Refusal) -> None:
        for listener in self._everybody():
            listener.refused(refusal)

    async def _serve_http(self, stopping: asyncio.Event) -> None:
        door = open_door(lambda: self.config.spec, self.voice)
        await serve_http(self.config.spec.listen or "", self.served, stopping, door)

    async def _serve_control(self, stopping: asyncio.Event) -> None:
        desk = open_desk(lambda: self.config.spec, self.served, self.onlookers, self.voice)
        await serve_control(control_socket(), desk, stopping)

    def _owners(self, name: str) -> list[Owner]:
        return [owner for owner, keeps in self.kept_by.items() if keeps == name]

    def _offer(self, entry: RunRepository, workspace: Workspace, snapshot: Snapshot) -> bool:
        owner = workspace.owner
        keeps = self.kept_by.setdefault(owner, entry.name)
        if keeps != entry.name:
            seen = f"the owner {owner} is kept by repository {keeps} already"
            problem = failure("CLI043", str(owner), seen, "one source for an owner")
            self._refuse(Refusal(entry.name, owner.environment, workspace.desired.commit, (problem,)))
            return False
        self._learn(workspace)
        self.promotions.offered(entry.name, workspace)
        if owner not in self.keepers:
            self._begin(owner, snapshot)
        self.keepers[owner].offer(snapshot)
        self.voice.log.info("commit", owner=str(owner), commit=workspace.desired.commit)
        self.voice.warn(owner, workspace.problems)
        return True

    def _begin(self, owner: Owner, snapshot: Snapshot) -> None:
        heard = heard_by(self._everybody(), owner, self.kept_by[owner])
        keeper = Keeper(owner, heard, self.config.spec.resync, sharing=self.sharing)
        self.keepers[owner] = keeper

        def events() -> AsyncIterator[None]:
            newest = keeper.snapshot or snapshot
            return newest.clients.runtime.watch(owner)

        async def hear(stopping: asyncio.Event) -> None:
            await listen(events, keeper, stopping)

        posts = [Post(f"environment {owner}", keeper.keep), Post(f"events of {owner}", hear)]
        running = begin(str(owner), posts, self.crashed)
        self.groups[self.kept_by[owner]].environments[owner] = running

    def _registry(self, owner: Owner) -> OpenRegistry | None:
        keeper = self.keepers.get(owner)
        return None if keeper is None or keeper.snapshot is None else keeper.snapshot.clients.registry

    def _learn(self, workspace: Workspace) -> None:
        names = {n for service in workspace.desired.services.values() for n in secret_names(service.form)}
        values = set(workspace.stock.secret_store.values(names).values())
        if not values <= self.voice.secrets:
            self.voice.learn(values)

    async def _end(self) -> None:
        """Everything at once, each within its time: first of all nothing new is asked for."""
        environments = [running for group in self.groups.values() for running in group.environments.values()]
        for running in environments:
            running.stopping.set()
        self.stop()
        await asyncio.gather(
            *(self.end_watch(name) for name in list(self.groups)),
            *(running.end(_PORT_ENDS) for running in self._ports.values()),
            *(running.end(_KEEPER_ENDS) for running in environments),
        )
        await self.records.close()
        await self.runtimes.close()

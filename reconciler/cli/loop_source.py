"""One repository that a loop keeps: asks for news, reads new commits, hands snapshots to the keepers.

What cannot be read changes nothing: the last good commit of each environment is kept on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.cli.accepted_ground import Surveyor
from reconciler.cli.applied_watch import AppliedWatch
from reconciler.cli.envelope import Stop, failure, problem_of
from reconciler.cli.environment_watch import EnvironmentWatch, Reading
from reconciler.cli.loop_audience import Refusal
from reconciler.cli.loop_remote import list_tips, open_entry
from reconciler.cli.loop_scope import EVERYTHING, Scope, scope_of
from reconciler.cli.policy import last_policy, read_policy
from reconciler.cli.source import Source
from reconciler.cli.workspace import OpenBuilder, OpenRuntime, Workspace
from reconciler.jitter import jittered
from reconciler.provider import ProviderError, Refused
from reconciler.serve import first_of
from reconciler.snapshot import Snapshot, observed_only
from specs.environment import Environment
from specs.problem import Problem
from specs.run_repository import RunRepository
from specs.suggest import did_you_mean

if TYPE_CHECKING:
    from providers.git.repository import GitRepository

_LONGEST_BACKOFF = 300.0
_HELD_PAUSE = 10.0
Offer = Callable[[Workspace, Snapshot], bool]
"""False where somebody else keeps that owner."""
Fault = Callable[[Refusal], None]


@dataclass(frozen=True, slots=True)
class Openers:
    """How runtimes and builders are opened."""

    runtime: OpenRuntime
    builder: OpenBuilder


@dataclass(slots=True)
class RepositoryWatch:
    """One entry of the Run file."""

    entry: RunRepository
    openers: Openers
    offer: Offer
    fault: Fault
    unreachable: Callable[[ProviderError], None]
    waits: Callable[[str, str | None, str], None]
    """Told of an environment that waits for ``apply``, of the commit applied, and of the newer one."""
    secrets: str | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)
    """Somebody says that there is something new: ask now."""
    commits: dict[str, str] = field(default_factory=dict)
    """Environment -> the newest commit that was read for it."""
    refused: set[str] = field(default_factory=set)
    """Environments whose newest commit cannot be used."""
    held: set[str] = field(default_factory=set)
    """Environments whose source may be accepted, or whose engine may answer, without any news of git."""
    watched: dict[str, EnvironmentWatch] = field(default_factory=dict)
    rivals: Sequence[RepositoryWatch] = ()
    """Earlier entries that may have an owner of this one: they are read first, so that the first stays."""
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)
    """It was read once, or could not be."""
    was_read: bool = False
    environments: Mapping[str, Environment] | None = None
    """What its policy ref declares; None before it was read."""
    seen: Mapping[str, str] | None = None
    """What each ref was when it was last read, by its full path."""
    failures: int = 0
    """How often in a row it gave no answer."""
    _waiting: list[asyncio.Event] = field(default_factory=list)
    _trigger: str = "poll"
    _because: str = "poll"
    _told: dict[str, Refusal] = field(default_factory=dict)

    async def watch(self, stopping: asyncio.Event) -> None:
        """Ask for news until ``stopping``."""
        for rival in self.rivals:
            await first_of(stopping, rival.was_asked)
        while not stopping.is_set():
            self.news.clear()
            try:
                await self.look()
                self.failures = 0
            except ProviderError as error:
                self.failures += 1
                self.unreachable(error)
            self.was_asked.set()
            pause = min(_LONGEST_BACKOFF, self.entry.poll * 2.0 ** min(self.failures, 10))
            pause = min(pause, _HELD_PAUSE) if self.held and not self.failures else pause
            await first_of(stopping, self.news, within=jittered(pause))

    def announce(self, trigger: str) -> asyncio.Event:
        """Ask now, because of this; the event is set when the answer has been read."""
        read = asyncio.Event()
        self._waiting.append(read)
        self._trigger = trigger
        self.news.set()
        return read

    def give_up(self) -> None:
        """It is asked no more: nobody waits for it."""
        for read in (*self._waiting, self.was_asked):
            read.set()

    async def look(self) -> None:
        """Ask once; read and offer what is new. Raises ProviderError where the remote gives no answer."""
        waiting, self._waiting = self._waiting, []
        self._because, self._trigger = self._trigger, "poll"
        try:
            tips = await asyncio.to_thread(list_tips, self.entry)
            scope = self._scope(tips)
            if not scope.is_nothing:
                repository = await asyncio.to_thread(open_entry, self.entry, tips)
                await self._read(repository, scope)
            self.seen, self.was_read = tips, True
        except BaseException:
            self._waiting = [*waiting, *self._waiting]  # answered when it can be read again
            self._trigger = self._because if self._trigger == "poll" else self._trigger
            raise
        for read in waiting:
            read.set()

    def _scope(self, tips: Mapping[str, str]) -> Scope:
        """Whoever is held or refused may be otherwise now, and a folder may have a default branch of its own,
        whatever has moved."""
        is_odd = self.refused or (self.entry.folder is not None and self.entry.ref is None)
        if not self.was_read or self.held or (is_odd and tips != self.seen):
            return EVERYTHING
        return scope_of(self.entry.ref, self.environments, self.seen, tips)

    async def _read(self, repository: GitRepository, scope: Scope) -> None:
        self.refused.clear()
        self.held.clear()
        tip = await self._read_policy(repository)
        source = tip or await asyncio.to_thread(last_policy, repository, self.entry)
        self.environments = source.specs.environments if source is not None else {}
        for name in self._chosen(self.environments, source.commit if source is not None else None):
            if scope.takes(name):
                await self._read_environment(repository, tip, self._watched(name))

    async def _read_environment(
        self, repository: GitRepository, tip: Source | None, watched: EnvironmentWatch
    ) -> None:
        """Under the policy that is accepted, whatever the newest says: that decides how it is read, too."""
        name = watched.name
        policy, problems = chosen = await watched.choose_policy(repository, tip)
        environment = policy.specs.environments.get(name) if policy is not None else None
        if policy is None or environment is None or environment.deploy != "manual":
            await self._take(watched, await watched.read(repository, tip, chosen))
            return
        if problems:
            self._refuse(name, problems, tip.commit if tip is not None else None)
        await self._read_applied(repository, policy, watched, environment)

    async def _read_applied(
        self, repository: GitRepository, policy: Source, watched: EnvironmentWatch, environment: Environment
    ) -> None:
        name, surveyor = watched.name, watched.surveyor
        reading = await AppliedWatch(self.entry, name, surveyor).read(repository, policy, environment)
        if reading.workspace is None:
            self._refuse(name, reading.problems, reading.commit)
            if name not in self.commits:
                self.held.add(name)  # nobody listens for its first ``apply`` yet
            return
        if name not in self.refused:
            self._told.pop(name, None)
        self.commits[name] = reading.workspace.desired.commit
        if reading.pending is not None:
            self.waits(name, reading.commit, reading.pending)
        snapshot = self._snapshot(reading.workspace)
        if self.offer(reading.workspace, replace(snapshot, pending=reading.pending)):
            await asyncio.to_thread(watched.trust, policy, reading.engine)

    def reread(self, trigger: str) -> None:
        """Read everything again, also where git has nothing new."""
        self.held.add("")
        self.announce(trigger)

    async def _read_policy(self, repository: GitRepository) -> Source | None:
        try:
            source = await asyncio.to_thread(read_policy, repository, self.entry)
        except Stop as stop:
            self._refuse("", stop.problems, stop.commit)
            return None
        except Refused as error:
            self._refuse("", [problem_of(error)], None)
            return None
        self._told.pop("", None)
        return source

    def _watched(self, name: str) -> EnvironmentWatch:
        if name not in self.watched:
            surveyor = Surveyor(self.entry, self.openers.runtime, self.secrets)
            self.watched[name] = EnvironmentWatch(self.entry, name, surveyor)
        return self.watched[name]

    def _chosen(self, environments: Mapping[str, Environment], commit: str | None) -> Sequence[str]:
        chosen = self.entry.environments or sorted({*environments, *self.watched})
        for name in chosen if commit else ():
            if name not in environments:
                remedy = did_you_mean(name, environments)
                if name in self.watched:
                    remedy = f"what runs is kept; take it down: reconciler destroy {name} --ref COMMIT"
                seen = f"there is no Environment {name} in repository {self.entry.name}"
                self._refuse(name, [failure("CLI041", f"Environment {name}", seen, remedy=remedy)], commit)
        return [name for name in chosen if name in environments]

    async def _take(self, watched: EnvironmentWatch, reading: Reading) -> None:
        name = watched.name
        if reading.problems:
            self._refuse(name, reading.problems, reading.commit)
        else:
            self._told.pop(name, None)
        workspace = reading.workspace
        if workspace is not None:
            self.commits[name] = workspace.desired.commit
            watched.is_kept = self.offer(workspace, self._snapshot(workspace))
            if watched.is_kept:
                await watched.remember(reading)
            else:
                self.refused.add(name)

    def _refuse(self, name: str, problems: Sequence[Problem], commit: str | None) -> None:
        """Tell, and go on with what was kept before. An empty name is about every environment."""
        self.refused |= {name} if name else set(self.commits) | set(self.entry.environments) or {""}
        if any(problem.code.startswith("POL") for problem in problems):
            self.held.add(name)
        refusal = Refusal(self.entry.name, name, commit, tuple(problems))
        if problems and self._told.get(name) != refusal:
            self._told[name] = refusal
            self.fault(refusal)

    def _snapshot(self, workspace: Workspace) -> Snapshot:
        clients = workspace.clients(self.openers.runtime, self.openers.builder)
        close = workspace.registries.close
        snapshot = Snapshot(workspace.desired, clients, workspace.meet, close, self._because)
        return snapshot if workspace.effective.environment.drift == "heal" else observed_only(snapshot)

"""One repository that a loop keeps: asks for news, reads new commits, hands snapshots to the keepers.

What cannot be read changes nothing: the last good commit of each environment is kept on.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.bounds import BoundsCheck
from reconciler.cli.envelope import Stop, failure, problem_of
from reconciler.cli.loop_audience import Refusal
from reconciler.cli.options import Options
from reconciler.cli.policy import find_policy, find_tracked, open_environment
from reconciler.cli.source import Source, read_ref
from reconciler.cli.tracked import Tracked
from reconciler.cli.workspace import OpenBuilder, OpenRuntime, Workspace
from reconciler.jitter import jittered
from reconciler.provider import ProviderError, Refused
from reconciler.snapshot import Snapshot, observed_only
from specs.environment import Environment
from specs.problem import Problem
from specs.run_repository import RunRepository
from specs.suggest import did_you_mean

if TYPE_CHECKING:
    from providers.git.repository import GitRepository

_LONGEST_BACKOFF = 300.0
Offer = Callable[[Workspace, Snapshot], None]
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
    left: Callable[[str], None]
    """Told of an environment that is not for a loop to deploy."""
    secrets: str | None = None
    news: asyncio.Event = field(default_factory=asyncio.Event)
    """Somebody says that there is something new: ask now."""
    commits: dict[str, str] = field(default_factory=dict)
    """Environment -> the newest commit that was read for it."""
    refused: set[str] = field(default_factory=set)
    """Environments whose newest commit cannot be used."""
    was_read: bool = False
    _waiting: list[asyncio.Event] = field(default_factory=list)
    _trigger: str = "poll"
    _seen: Mapping[str, str] | None = None

    async def watch(self, stopping: asyncio.Event) -> None:
        """Ask for news until ``stopping``."""
        failures = 0
        while not stopping.is_set():
            self.news.clear()
            try:
                await self.look()
                failures = 0
            except ProviderError as error:
                failures += 1
                self.unreachable(error)
            pause = min(_LONGEST_BACKOFF, self.entry.poll * 2.0**failures)
            await self._sleep(stopping, jittered(pause))

    def announce(self, trigger: str) -> asyncio.Event:
        """Ask now, because of this; the event is set when the answer has been read."""
        read = asyncio.Event()
        self._waiting.append(read)
        self._trigger = trigger
        self.news.set()
        return read

    async def look(self) -> None:
        """Ask once; read and offer what is new. Raises ProviderError where the remote gives no answer."""
        waiting, self._waiting = self._waiting, []
        try:
            tips = await asyncio.to_thread(self._tips)
            if not self.was_read or tips != self._seen:
                repository = await asyncio.to_thread(self._open)
                await self._read(repository)
                self._seen, self.was_read, self._trigger = tips, True, "poll"
        except ProviderError:
            self._waiting = [*waiting, *self._waiting]  # answered when it can be read again
            raise
        for read in waiting:
            read.set()

    async def _read(self, repository: GitRepository) -> None:
        self.refused.clear()
        try:
            found = await asyncio.to_thread(find_policy, repository, self.entry.ref)
            source = await asyncio.to_thread(read_ref, repository, found.commit, self.entry.path)
        except Stop as stop:
            self._refuse("", stop.problems, stop.commit)
            return
        except Refused as error:
            self._refuse("", [problem_of(error)], None)
            return
        environments = declared(source)
        for name in self._chosen(environments, source.commit):
            if environments[name].deploy == "manual":
                self.left(name)
                continue
            await self._read_environment(repository, source, name, environments[name])

    def _chosen(self, environments: Mapping[str, Environment], commit: str) -> Sequence[str]:
        chosen = self.entry.environments or sorted(environments)
        for name in chosen:
            if name not in environments:
                remedy = did_you_mean(name, environments)
                seen = f"there is no Environment {name} in repository {self.entry.name}"
                self._refuse(name, [failure("CLI041", f"Environment {name}", seen, remedy=remedy)], commit)
        return [name for name in chosen if name in environments]

    async def _read_environment(
        self, repository: GitRepository, policy: Source, name: str, environment: Environment
    ) -> None:
        options = Options("run", environment=name, path=self.entry.path, secrets_folder=self.secrets)
        try:
            workspace = await asyncio.to_thread(
                partial(self._open_environment, repository, policy, options, environment)
            )
        except Stop as stop:
            self._refuse(name, stop.problems, stop.commit)
            return
        except ProviderError as error:
            self._refuse(name, [problem_of(error)], None)
            return
        self.commits[name] = workspace.desired.commit
        self.offer(workspace, self._snapshot(workspace, environment))

    def _open_environment(
        self, repository: GitRepository, policy: Source, options: Options, environment: Environment
    ) -> Workspace:
        here = Tracked(self.entry.ref or "", policy.commit)
        tracked = find_tracked(repository, here, environment, options.environment)
        return open_environment(repository, policy, tracked, options, BoundsCheck(self.entry).admit)

    def _refuse(self, name: str, problems: Sequence[Problem], commit: str | None) -> None:
        """Tell, and go on with what was kept before. An empty name is about every environment."""
        self.refused |= {name} if name else set(self.commits) | set(self.entry.environments)
        self.fault(Refusal(self.entry.name, name, commit, tuple(problems)))

    def _snapshot(self, workspace: Workspace, environment: Environment) -> Snapshot:
        clients = workspace.clients(self.openers.runtime, self.openers.builder)
        close = workspace.registries.close
        snapshot = Snapshot(workspace.desired, clients, workspace.meet, close, self._trigger)
        return snapshot if environment.drift == "heal" else observed_only(snapshot)

    def _tips(self) -> Mapping[str, str]:
        if self.entry.folder is not None:
            return _local_tips(self._local())
        from providers.git.remote import list_tips

        return list_tips(self.entry.url or "", cache_folder(), credentials=self._credential())

    def _open(self) -> GitRepository:
        if self.entry.folder is not None:
            return self._local()
        from providers.git.cache import fetch_repository

        return fetch_repository(self.entry.url or "", cache_folder(), credentials=self._credential())

    def _local(self) -> GitRepository:
        from providers.git.repository import GitRepository

        return GitRepository(Path(self.entry.folder or "/"))

    def _credential(self) -> Path | None:
        return Path(self.entry.credential) if self.entry.credential else None

    async def _sleep(self, stopping: asyncio.Event, seconds: float) -> None:
        ended = [asyncio.ensure_future(event.wait()) for event in (stopping, self.news)]
        await asyncio.wait(ended, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for waiting in ended:
            waiting.cancel()


def declared(source: Source) -> Mapping[str, Environment]:
    """The environments of a source, by name."""
    return {
        written.name: written.model
        for written in source.specs.documents.values()
        if isinstance(written.model, Environment)
    }


def _local_tips(repository: GitRepository) -> Mapping[str, str]:
    listed = repository.git.read("for-each-ref", "--format=%(refname) %(objectname)").text.splitlines()
    head = repository.git.ask("rev-parse", "--verify", "--quiet", "HEAD").text
    return {**dict(line.split(" ", 1) for line in listed), "HEAD": head}


def cache_folder() -> Path:
    """Where clones of remote repositories are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reconciler" / "git"

"""One environment of a repository that a loop keeps: which commit counts, and what counts where none does.

The policy ref's commit, then the tracked one, is taken only where it follows on what was accepted before.
Else the environment is held: what ran goes on, and after a restart the last accepted commit is opened again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.accepted import Accepted
from reconciler.cli.acceptance import Judge, Lineage
from reconciler.cli.accepted_ground import Ground, Surveyor, unread
from reconciler.cli.accepted_record import AcceptedRecord, RecordFile
from reconciler.cli.bounds import BoundsCheck
from reconciler.cli.envelope import Stop, failure, problem_of
from reconciler.cli.exits import ERROR
from reconciler.cli.forge_reader import reader_of
from reconciler.cli.options import Options
from reconciler.cli.policy import find_tracked, open_environment
from reconciler.cli.source import Source, read_ref
from reconciler.cli.tracked import Tracked
from reconciler.cli.workspace import Workspace
from reconciler.provider import ProviderError
from reconciler.repository import Kinship
from specs.environment import Environment, Tags
from specs.problem import Problem
from specs.run_repository import RunRepository

if TYPE_CHECKING:
    from providers.git.repository import GitRepository


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of reading: a workspace to keep, or None where what is kept goes on; why the newest commit
    is not in it; and by what it came."""

    workspace: Workspace | None = None
    problems: tuple[Problem, ...] = ()
    tracked: Tracked | None = None
    policy: Source | None = None
    commit: str | None = None
    """The commit that the problems are about, where one was found."""


Chosen = tuple[Source | None, tuple[Problem, ...]]
"""The policy that counts, and why the newest does not."""


@dataclass(slots=True)
class EnvironmentWatch:
    """One environment of one entry."""

    entry: RunRepository
    name: str
    surveyor: Surveyor
    is_kept: bool = False
    """Something of it was offered by this process."""
    accepted: Accepted | None = None
    """What this process accepted last."""
    file: RecordFile = field(init=False)
    record: AcceptedRecord = field(init=False)

    def __post_init__(self) -> None:
        self.file = RecordFile.of(self.entry, self.name)
        self.record = self.file.read()

    async def read(
        self, repository: GitRepository, tip: Source | None, chosen: Chosen | None = None
    ) -> Reading:
        """What is to be kept now. ``tip`` is the policy ref as it is, None where it cannot be read;
        ``chosen`` is what ``choose_policy`` made of it, if it was asked already."""
        policy, problems = await self.choose_policy(repository, tip) if chosen is None else chosen
        if policy is None or problems:
            return await self._fall_back(repository, policy, problems, tip.commit if tip else None)
        try:
            found = await asyncio.to_thread(self._find, repository, policy)
        except Stop as stop:
            return await self._fall_back(repository, policy, stop.problems, policy.commit)
        except ProviderError as error:
            return await self._fall_back(repository, policy, (problem_of(error),), None)
        if tip is None and self.is_kept and self.accepted and found.commit == self.accepted.commit:
            return Reading()  # nothing new can be said of it while the policy ref cannot be read
        problems = await self._judge(repository, policy, found)
        if not problems:
            try:
                return Reading(await self._open(repository, policy, found), (), found, policy)
            except Stop as stop:
                problems = stop.problems
            except ProviderError as error:
                problems = (problem_of(error),)
        return await self._fall_back(repository, policy, problems, found.commit)

    async def remember(self, reading: Reading) -> None:
        """That this was accepted: here, in the record, and on the engine, as far as these can be written."""
        if reading.workspace is None or reading.tracked is None or reading.policy is None:
            return
        tag_name = reading.tracked.tag.name if reading.tracked.tag else None
        commit = reading.workspace.desired.commit
        self.record = replace(self.record, policy=reading.policy.commit, commit=commit, tag=tag_name)
        self.accepted = Accepted(reading.workspace.desired.policy.source, commit, tag_name)
        with suppress(
            ProviderError, Stop
        ):  # it is written with the next commit; what runs is labelled anyway
            ground = await self.surveyor.look(self.name, self._environment(reading.policy))
            if ground.other_engine(self.record.engine) is None:
                self._learn_engine(ground)
                self.accepted = replace(self.accepted, engine=self.record.engine)
                await ground.mark(self.accepted)
        await asyncio.to_thread(self.file.write, self.record)

    # -- the policy ref

    def trust(self, policy: Source, engine: str) -> None:
        """That this policy counts, and that this is its engine. Blocking."""
        record = replace(self.record, policy=policy.commit, engine=engine or self.record.engine)
        if record != self.record:
            self.record = record
            self.file.write(record)

    async def choose_policy(self, repository: GitRepository, tip: Source | None) -> Chosen:
        """The policy that counts: the newest, else the last accepted one with the reason. Never raises
        ProviderError."""
        before = Lineage((self.record.policy,)) if self.record.policy else Lineage()
        judge = Judge.of(self.entry, repository, self.name)
        if tip is None:
            return await asyncio.to_thread(self._last_policy, repository), ()
        here = Tracked(self.entry.ref or "policy ref", tip.commit)
        problems = await asyncio.to_thread(judge.problems, here, before)
        if not problems:
            return tip, ()
        last = await asyncio.to_thread(self._last_policy, repository, tip)
        if last is not None or self.entry.signatures is None:
            lineage, _ = await self._ask(repository, last or tip)
            if lineage.commits and not await asyncio.to_thread(
                judge.problems, here, Lineage(lineage.commits)
            ):
                return tip, ()  # somebody who may write to the engine has accepted it
        return last, problems

    def _last_policy(self, repository: GitRepository, tip: Source | None = None) -> Source | None:
        """What was accepted last; where that is forgotten, the newest that was signed."""
        commit, judge = self.record.policy, Judge.of(self.entry, repository, self.name)
        try:
            if commit is None and tip is not None:
                commit = judge.newest_signed(tip.commit)
            return read_ref(repository, commit, self.entry.path) if commit else None
        except (Stop, ProviderError):
            return None

    # -- the tracked commit

    def _find(self, repository: GitRepository, policy: Source) -> Tracked:
        here = Tracked(self.entry.ref or "policy ref", policy.commit)
        return find_tracked(repository, here, self._environment(policy), self.name)

    async def _judge(self, repository: GitRepository, policy: Source, found: Tracked) -> tuple[Problem, ...]:
        tracks = self._environment(policy).tracks
        pattern = tracks.tags if isinstance(tracks, Tags) else "*"
        judge = Judge.of(self.entry, repository, self.name, pattern)
        if self.accepted is not None and self.accepted.commit is not None:
            before = Lineage((self.accepted.commit,), self.accepted.tag)
            if not await asyncio.to_thread(judge.problems, found, before):
                return ()
        before, problems = await self._ask(repository, policy)
        return problems or await asyncio.to_thread(judge.problems, found, before)

    async def _ask(self, repository: GitRepository, policy: Source) -> tuple[Lineage, tuple[Problem, ...]]:
        """What the engine says was accepted, and what speaks against going on there at all."""
        remembered = Lineage((self.record.commit,), self.record.tag) if self.record.commit else None
        try:
            found = await self.surveyor.look(self.name, self._environment(policy))
            ground: Ground | Problem = found.unread() or found
        except Stop as stop:
            return Lineage(), stop.problems
        except ProviderError as error:
            ground = unread(self.name, str(error))
        if isinstance(ground, Problem):
            return (remembered, ()) if remembered else (Lineage(), (ground,))
        if (problem := ground.other_engine(self.record.engine)) is not None:
            return Lineage(), (problem,)
        if (problem := ground.other_source(policy.label)) is not None:
            return ground.lineage(), (problem,)
        self._learn_engine(ground)
        if ground.accepted is None and self.entry.signatures is not None and self.entry.signatures.since:
            return Lineage(), ()
        return ground.lineage(), ()

    def _learn_engine(self, ground: Ground) -> None:
        if ground.world.engine:
            self.record = replace(self.record, engine=ground.world.engine)

    # -- opening

    def _environment(self, policy: Source) -> Environment:
        """Raises Stop."""
        found = policy.specs.environments.get(self.name)
        if found is None:
            seen = f"there is no Environment {self.name} in repository {self.entry.name}"
            raise Stop(ERROR, (failure("CLI041", f"Environment {self.name}", seen),), commit=policy.commit)
        return found

    async def _open(self, repository: GitRepository, policy: Source, tracked: Tracked) -> Workspace:
        """Raises Stop, ProviderError."""
        entry, secrets = self.entry, self.surveyor.secrets
        options = Options("run", environment=self.name, path=entry.path, secrets_folder=secrets)
        admit = BoundsCheck(entry).admit
        opened = await asyncio.to_thread(open_environment, repository, policy, tracked, options, admit)
        known = replace(opened.desired.policy, engine=self.record.engine or "")
        desired = replace(opened.desired, policy=known)
        reader = reader_of(entry.forge, entry.github_app)
        return replace(opened, desired=desired, signatures=entry.signatures, reader=reader)

    async def _fall_back(
        self,
        repository: GitRepository,
        policy: Source | None,
        problems: Sequence[Problem],
        commit: str | None,
    ) -> Reading:
        """What was accepted last, where this process keeps nothing yet."""
        nothing = Reading(None, tuple(problems), commit=commit)
        if self.is_kept:
            return nothing
        policies = [policy, await asyncio.to_thread(self._last_policy, repository)]
        for chosen in (p for p in policies if p is not None):
            last = await self._last_commit(repository, chosen)
            if last is not None:
                try:
                    opened = await self._open(repository, chosen, Tracked("", last))
                except (Stop, ProviderError):
                    continue
                return replace(nothing, workspace=opened)
        return nothing

    async def _last_commit(self, repository: GitRepository, policy: Source) -> str | None:
        lineage, problems = await self._ask(repository, policy)
        if any(problem.code == "POL040" for problem in problems):
            return None
        commits = lineage.commits or ((self.record.commit,) if self.record.commit else ())
        for commit in commits:
            kin = await asyncio.to_thread(repository.lineage, commit, commits)
            if all(kinship in (Kinship.SAME, Kinship.ANCESTOR) for kinship in kin.values()):
                return commit
        return None

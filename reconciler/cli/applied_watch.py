"""One environment with ``deploy: manual`` that a loop keeps: at the commit that the last ``apply`` asked for.

Who applied it had the engine in hand, so nothing more is asked about that commit than whether it is known.
What is newer is told as pending. Where nothing was ever applied the loop listens, and does nothing.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.applied import read_applied
from reconciler.cli.accepted_ground import Ground, Surveyor
from reconciler.cli.accepted_record import RecordFile
from reconciler.cli.bounds import BoundsCheck
from reconciler.cli.envelope import Stop, problem_of
from reconciler.cli.loop_audience import Refusal
from reconciler.cli.options import Options
from reconciler.cli.policy import find_tracked, open_environment
from reconciler.cli.source import Source
from reconciler.cli.tracked import Tracked
from reconciler.cli.workspace import Workspace
from reconciler.desired import Desired, Kinship
from reconciler.keeper_report import Heard
from reconciler.loop import PassReport
from reconciler.ownership import Owner, Role
from reconciler.provider import ProviderError
from specs.environment import Environment
from specs.problem import Problem
from specs.run_repository import RunRepository

if TYPE_CHECKING:
    from collections.abc import Callable

    from providers.git.repository import GitRepository


@dataclass(frozen=True, slots=True)
class AppliedReading:
    """A workspace to keep, or the problems that speak against it; ``pending`` is the commit that waits."""

    workspace: Workspace | None = None
    problems: tuple[Problem, ...] = ()
    pending: str | None = None
    commit: str | None = None
    engine: str = ""
    """The id of the engine that answered."""


@dataclass(slots=True)
class AppliedWatch:
    """One environment of one entry."""

    entry: RunRepository
    name: str
    surveyor: Surveyor

    async def read(
        self, repository: GitRepository, policy: Source, environment: Environment
    ) -> AppliedReading:
        """What was applied, as a workspace of which nothing else is done. Never raises ProviderError."""
        commit: str | None = None
        try:
            ground = await self.surveyor.look(self.name, environment)
            engine = RecordFile.of(self.entry, self.name).read().engine
            doubt = ground.unread() or ground.other_engine(engine) or ground.other_source(policy.label)
            if doubt is not None:
                return AppliedReading(problems=(doubt,))
            here = Tracked(self.entry.ref or "policy ref", policy.commit)
            tracked = await asyncio.to_thread(find_tracked, repository, here, environment, self.name)
            commit = await asyncio.to_thread(applied_commit, repository, ground)
            chosen = tracked if commit is None else Tracked("apply", commit)
            workspace = await asyncio.to_thread(self._open, repository, policy, chosen, engine or "")
        except Stop as stop:
            return AppliedReading(problems=stop.problems, commit=commit)
        except ProviderError as error:
            return AppliedReading(problems=(problem_of(error),), commit=commit)
        pending = tracked.commit if tracked.commit != commit else None
        return AppliedReading(workspace, (), pending, commit, ground.world.engine)

    def _open(self, repository: GitRepository, policy: Source, chosen: Tracked, engine: str) -> Workspace:
        """Raises Stop, ProviderError."""
        folder = self.surveyor.secrets
        options = Options("run", environment=self.name, path=self.entry.path, secrets_folder=folder)
        opened = open_environment(repository, policy, chosen, options, BoundsCheck(self.entry).admit)
        # Forwards or backwards: who applied it has decided that.
        rules = replace(opened.desired.policy, engine=engine, waits_for_apply=True, backwards=True)
        return replace(opened, desired=replace(opened.desired, policy=rules))


def applied_commit(repository: GitRepository, ground: Ground) -> str | None:
    """The commit that the last ``apply`` asked for; where its marker was lost, the newest of what lives. None
    where nothing was ever applied. Raises ProviderError."""
    applied = read_applied(ground.world.markers)
    if applied is not None:
        return applied.commit
    live = sorted({i.commit for i in ground.world.instances if i.role is Role.LIVE and i.commit})
    for commit in live:
        kin = repository.lineage(commit, live)
        if all(kinship in (Kinship.SAME, Kinship.ANCESTOR) for kinship in kin.values()):
            return commit
    return None


@dataclass(slots=True)
class AppliedNews:
    """Hears in what a keeper sees that somebody applied another commit, and has it read, once."""

    reread: Callable[[str, str], None]
    """Told of the repository, and of what brought it."""
    told: dict[Owner, str] = field(default_factory=dict)

    def heard(self, owner: Owner, repository: str) -> Heard:
        """What the keeper of this environment reports to."""

        def passed(desired: Desired, report: PassReport, seconds: float) -> None:
            applied = read_applied(report.observed.markers)
            if not desired.policy.waits_for_apply or applied is None or applied.commit == desired.commit:
                return
            if self.told.get(owner) != applied.commit:
                self.told[owner] = applied.commit
                self.reread(repository, f"apply by {applied.by}" if applied.by else "apply")

        return Heard(passed=passed)

    def refused(self, refusal: Refusal) -> None:
        """Asked again when there is something new."""

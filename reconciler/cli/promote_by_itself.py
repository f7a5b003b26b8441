"""One promotion that a loop does by itself: read under the policy that it accepted, within the bounds of its
Run file, and written by its own author and key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.cli.acceptance import Judge, Lineage
from reconciler.cli.bounds import BoundsCheck
from reconciler.cli.envelope import Report, Stop
from reconciler.cli.exits import CANNOT_TELL, REFUSED
from reconciler.cli.forge_reader import reader_of
from reconciler.cli.loop_branch import open_loop_branch
from reconciler.cli.loop_source import Openers
from reconciler.cli.offer import Approach, read_offer
from reconciler.cli.options import Options
from reconciler.cli.policy import find_policy, find_tracked
from reconciler.cli.promote_attempt import Attempt, try_attempt
from reconciler.cli.promote_plan import check_pair, prepare_promotion
from reconciler.cli.promote_session import Session
from reconciler.cli.proposed import find_proposed
from reconciler.cli.source import Source, read_ref
from reconciler.cli.tracked import Tracked
from reconciler.cli.workspace import Admit, Workspace
from reconciler.clients import Clients
from reconciler.gate_result import GateResult
from specs.policy_ref import under_policy
from specs.problem import Problem
from specs.run_push import Push
from specs.run_repository import RunRepository

if TYPE_CHECKING:
    from providers.git.repository import GitRepository


@dataclass(frozen=True, slots=True)
class Ground:
    """What is accepted: the environment that takes; its newest commit, where that waits for ``apply``; and
    the environment that gives, None where this loop does not keep it."""

    target: Source
    pending: str | None
    source: Source | None

    @property
    def commit(self) -> str:
        """The newest one of the environment that takes."""
        return self.pending or self.target.commit

    @property
    def repository(self) -> GitRepository:
        """Both are in."""
        return self.target.repository


@dataclass(frozen=True, slots=True)
class Promoting:
    """What an entry of the Run file promotes with."""

    entry: RunRepository
    push: Push
    openers: Openers
    secrets: str | None

    async def promote(
        self,
        ground: Ground,
        from_name: str,
        to_name: str,
        judged: Callable[[tuple[GateResult, ...]], object],
    ) -> Report | None:
        """What came of it; None where the branch has moved on from what is accepted. ``judged`` is told the
        gates. Raises Stop, ProviderError."""
        options = Options(
            "run",
            environment=to_name,
            path=self.entry.path,
            secrets_folder=self.secrets,
            source_environment=from_name,
            is_automatic=True,
        )
        source = await asyncio.to_thread(self._read_target, ground, to_name)
        environment = check_pair(source, from_name, to_name)
        if environment.promotion.mode != "auto":
            return None
        branch = await asyncio.to_thread(
            open_loop_branch, self.entry, self.push, ground.repository, environment
        )
        if isinstance(branch, Problem):
            raise Stop(REFUSED, (branch,), commit=ground.commit)
        tip = await asyncio.to_thread(branch.tip)
        if tip != ground.commit:
            return None
        offer = await read_offer(options, source, self._approach(ground))
        session = Session(
            options,
            ground.repository,
            environment,
            self._connect,
            lambda text: None,
            actor=self.push.author,
            reader=lambda remote: reader_of(self.entry.forge, self.entry.github_app),
            end=_leave_open,
            judged=judged,
        )
        try:
            promotion = await asyncio.to_thread(prepare_promotion, options, source, offer, self._admit)
            if promotion.changes and environment.promotion.write == "branch":
                proposed = await asyncio.to_thread(find_proposed, options, promotion, branch, self._admit)
                if proposed is not None:
                    return proposed
            return await try_attempt(Attempt(session, promotion, branch, tip), is_writable=True)
        finally:
            await offer.registries.close()

    @property
    def _admit(self) -> Admit:
        return BoundsCheck(self.entry).admit

    def _connect(self, workspace: Workspace) -> Clients:
        return workspace.clients(self.openers.runtime, self.openers.builder)

    def _approach(self, ground: Ground) -> Approach:
        return Approach(lambda name: self._find(ground, name), self._connect, self._admit, _leave_open)

    def _read_target(self, ground: Ground, to_name: str) -> Source:
        """What waits for ``apply`` was judged by nobody yet. Raises Stop, ProviderError."""
        if ground.pending is not None:
            before = (ground.target.commit,) if ground.target.commit != ground.pending else ()
            judge = Judge.of(self.entry, ground.repository, to_name)
            problems = judge.problems(Tracked("", ground.pending), Lineage(before))
            if problems:
                raise Stop(REFUSED, problems, commit=ground.pending)
        return self._read(ground, ground.commit)

    def _find(self, ground: Ground, from_name: str) -> Source:
        """The environment that gives, at the commit that this loop keeps; where it keeps none, at what that
        tracks, if that may count. Raises Stop, ProviderError."""
        if ground.source is not None:
            return ground.source
        here = find_policy(ground.repository, self.entry.ref)
        environment = ground.target.specs.environments[from_name]
        found = find_tracked(ground.repository, here, environment, from_name)
        problems = Judge.of(self.entry, ground.repository, from_name).problems(found, Lineage())
        if problems:
            raise Stop(CANNOT_TELL, problems, commit=found.commit)
        return self._read(ground, found.commit)

    def _read(self, ground: Ground, commit: str) -> Source:
        """A commit, under the policy that is accepted. Raises Stop, ProviderError."""
        if commit == ground.target.commit:
            return ground.target
        source = read_ref(ground.repository, commit, self.entry.path)
        documents, _ = under_policy(source.specs, ground.target.specs)
        return replace(source, specs=documents)


async def _leave_open(clients: Clients) -> None:
    """The keepers work with the same engine."""

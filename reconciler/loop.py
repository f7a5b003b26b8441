"""Passes: look, plan, start, again, until the plan settles."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from reconciler.actions import Action
from reconciler.clients import Clients
from reconciler.decision import Block, Ender, Outcome, Plan, Wait
from reconciler.desired import Desired, Subject
from reconciler.execute import FIRST_PAUSE, Executor, Progress
from reconciler.hands_off import is_left_alone
from reconciler.lease import Lease
from reconciler.observe import Memory, observe
from reconciler.observe import look as look
from reconciler.observed import Observed
from reconciler.ourselves import handed_over, is_succeeded
from reconciler.plan import plan
from reconciler.provider import ProviderError, Refused
from reconciler.rollback_mark import met_by

TRIES = 3
"""After so many failed attempts at everything that is left, ``apply`` gives up; a loop never does."""
_QUIET = 0.2
"""Seconds: the waits of many services end close together, and one look serves them all."""
_GATHER = 0.3
_SLOWEST = 5.0
_PATIENCE = 60
"""Passes in a row that wait for us alone while nothing is in flight: the world does not show what we did."""

Result = Literal["settled", "waiting", "blocked", "held", "rolled_back", "unreadable", "failed"]


@dataclass(frozen=True, slots=True)
class PassReport:
    """What one pass saw, decided and started, and what ended since the report before."""

    number: int
    observed: Observed
    plan: Plan
    started: tuple[Action, ...]
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Converged:
    """Where ``converge`` ended. ``duration`` in seconds; ``timed_out``: it was still waiting."""

    result: Result
    passes: int
    duration: float
    outcomes: tuple[Outcome, ...]
    plan: Plan
    observed: Observed
    timed_out: bool = False


Report = Callable[[PassReport], None]
Meet = Callable[[Observed], Desired]


@dataclass(slots=True)
class Convergence:
    """The passes of one ``apply``."""

    desired: Desired
    clients: Clients
    executor: Executor
    lease: Lease
    meet: Meet | None = None
    memory: Memory = field(default_factory=Memory)
    met: frozenset[str] | None = None
    """What ``desired`` was last related to."""
    outcomes: list[Outcome] = field(default_factory=list)
    passes: int = 0
    idle: int = 0
    """Passes in a row in which nothing was started and nothing was in flight."""
    blind: int = 0
    """Passes in a row in which something could not be read."""
    has_seen: bool = False
    """Some pass could read everything."""

    def __post_init__(self) -> None:
        self.executor.may_begin = self.lease.holds

    async def run_pass(self, report: Report) -> tuple[Observed, Plan]:
        """One pass. Awaits no action: what it starts runs beside it."""
        self.passes += 1
        self.executor.begin_look()
        self.lease.begin_look()
        observed = await observe(
            self.desired,
            self.clients,
            self.memory,
            self.executor.in_flight(),
            self.executor.attempts,
            self.executor.healed,
        )
        self.executor.follow(observed.at)
        await self._put_back(observed)
        self.executor.withdraw(partial(is_left_alone, self.desired, observed))
        self.blind = self.blind + 1 if observed.unreadable else 0
        self.has_seen = self.has_seen or not observed.unreadable
        await self._relate(observed)
        # What ended while we looked may not be in what we saw.
        observed = replace(observed, in_flight=observed.in_flight | self.executor.in_flight())
        decided = plan(self.desired, observed, observed.at)
        decided, started = await self._start(observed, decided)
        ended = self.executor.take_outcomes()
        self.outcomes.extend(ended)
        moves = started or self.executor.busy or ended or any(w.ender is Ender.TIME for w in decided.waits)
        self.idle = 0 if moves else self.idle + 1
        report(PassReport(self.passes, observed, decided, started, ended))
        return observed, decided

    async def _put_back(self, observed: Observed) -> None:
        """What people said and somebody swept away is said again; it counts meanwhile, and is tried again."""
        for marker in observed.vanished:
            with suppress(ProviderError):
                await self.clients.runtime.put_marker(self.desired.owner, marker)

    async def _relate(self, observed: Observed) -> None:
        """Tell again how the commits that live are related to ours, whenever they are others: of two
        processes at work on one environment, the one with the older commit must notice and yield."""
        if self.meet is not None and (met := met_by(observed, self.desired)) != self.met:
            self.desired, self.met = await asyncio.to_thread(self.meet, observed), met

    async def _start(self, observed: Observed, decided: Plan) -> tuple[Plan, tuple[Action, ...]]:
        if is_succeeded(self.desired, observed, decided):
            if not self.executor.busy:
                await _give_back(self.lease)
            return handed_over(decided), ()
        if not decided.actions:
            if self.executor.busy:
                # What takes longer than the lease lasts, a build say, is still ours alone.
                with suppress(ProviderError):
                    await self.lease.take(observed)
            return decided, ()
        other, pause = self.lease.other(observed), 2.0
        subject = Subject("Environment", self.desired.owner.environment)
        if other is None:
            try:
                if await self.lease.take(observed):
                    return decided, self.executor.start(decided.actions, observed)
                other = "another process that was faster"
            except Refused as error:
                return decided.refused(Block(subject, error.code, error.seen, error.remedy)), ()
            except ProviderError as error:
                other, pause = f"nobody: the lease cannot be written ({error})", self.executor.first_pause
        wait = Wait(subject, f"who may write: {other}", Ender.TIME, observed.at + pause, "lease")
        return replace(decided, actions=(), waits=(*decided.waits, wait)), ()

    def is_over(self, observed: Observed, decided: Plan) -> bool:
        """Nothing that we or time can do is left, or everything left has failed often enough."""
        if self.executor.busy or decided.actions:
            return False
        if self.has_seen and 0 < self.blind < TRIES:
            return False  # what could be read a moment ago is asked for again
        if all(w.ender is Ender.OUTSIDE for w in decided.waits) or is_tired_out(observed, decided):
            return True
        return self.idle > _PATIENCE

    def pause(self, observed: Observed, decided: Plan, took: float) -> float:
        """Seconds until the next look: soon when something may end by itself, never busier than looking
        itself is."""
        times = [w.next_look - observed.at for w in decided.waits if w.next_look is not None]
        still = _SLOWEST if self.executor.busy else self.executor.first_pause
        soonest = min((t for t in times if t > 0), default=still)
        return max(_QUIET, min(soonest, _SLOWEST), took)


async def converge(
    desired: Desired,
    clients: Clients,
    *,
    within: float,
    report: Report,
    meet: Meet | None = None,
    progress: Progress = lambda subject, line: None,
    first_pause: float = FIRST_PAUSE,
) -> Converged:
    """Passes until settled, blocked, held or tired, at most ``within`` seconds. Never raises
    ProviderError, but what ``meet`` raises.

    ``meet`` gives what is desired in the light of what lives (its lineage); it is called off the event loop.
    ``first_pause``: seconds before what failed is tried again.
    """
    began = time.monotonic()
    executor = Executor(desired.owner, clients, progress, first_pause)
    run = Convergence(desired, clients, executor, Lease(desired.owner, clients.runtime), meet)
    timed_out = False
    try:
        while True:
            look_began = time.monotonic()
            observed, decided = await run.run_pass(report)
            if run.is_over(observed, decided):
                break
            if time.monotonic() - began > within:
                timed_out = True
                break
            took = time.monotonic() - look_began
            await executor.wait(run.pause(observed, decided, took))
            # Many actions end close together, and a look costs the engine as much as some of them: one
            # look for all that end within a short time.
            await executor.wait_idle(max(_GATHER, 3 * took))
    finally:
        await executor.close(30.0)
        await _give_back(run.lease)
    run.outcomes.extend(executor.take_outcomes())
    result = "waiting" if timed_out else judge(observed, decided, run.outcomes)
    took = time.monotonic() - began
    return Converged(result, run.passes, took, tuple(run.outcomes), decided, observed, timed_out)


def is_tired_out(observed: Observed, decided: Plan) -> bool:
    """Everything that is left has failed often enough to say so. A loop tries on all the same."""
    tired = all(a.count >= TRIES for a in observed.attempts.values()) and bool(observed.attempts)
    ours = [w for w in decided.waits if w.ender is not Ender.OUTSIDE]
    return tired and all(w.expects in ("attempt", "") for w in ours)


async def _give_back(lease: Lease) -> None:
    with suppress(ProviderError):  # it runs out by itself
        await lease.give_back()


def judge(observed: Observed, decided: Plan, outcomes: list[Outcome]) -> Result:
    """The result, read from the world after the deed."""
    if any(block.held for block in decided.blocks):
        serving = any(block.reason.endswith(" serves") for block in decided.blocks if block.held)
        return "rolled_back" if serving else "held"
    failed = {a.code for a in observed.attempts.values()}
    is_tired = any(wait.expects == "attempt" for wait in decided.waits)
    if is_tired or any(block.code in failed for block in decided.blocks):
        return "failed"
    if decided.blocks:
        return "blocked"
    if observed.unreadable:
        return "unreadable"
    return "settled" if not decided.waits else "waiting"

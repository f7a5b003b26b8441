"""One environment kept as git says, for as long as the process lives: passes, and what lies between them.

A keeper is given snapshots (what one commit says) and hints (something may have happened). It never waits for
an action: a newer snapshot counts from the next pass on, whatever the older one was waiting for.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field

from reconciler.decision import Plan
from reconciler.execute import Executor
from reconciler.jitter import jittered
from reconciler.keeper_report import Heard, Rest
from reconciler.lease import Lease, process_name
from reconciler.loop import Convergence, PassReport, is_tired_out, judge
from reconciler.loop_mark import LoopMark, stand
from reconciler.observed import Observed
from reconciler.ownership import Owner
from reconciler.provider import ProviderError
from reconciler.sharing import Sharing
from reconciler.snapshot import Snapshot
from reconciler.tally import Tally

RESYNC = 60.0
"""Seconds between two looks at an environment of which nothing is heard; jittered by a fifth."""
_GATHER = 0.3
_LEAST = 0.1
_SLOWEST = 5.0
_LONGEST_BACKOFF = 60.0
_GRACE = 30.0


@dataclass(slots=True)
class Keeper:
    """The passes of one environment."""

    owner: Owner
    heard: Heard = field(default_factory=Heard)
    resync: float = RESYNC
    holder: str = field(default_factory=process_name)
    """Who this is, for the lease and for people."""
    sharing: Sharing = field(default_factory=Sharing)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    looked_at: float | None = None
    """When the last complete look ended, on the event loop's clock."""
    made_at: float = field(default_factory=time.monotonic)
    pass_began: float | None = None
    """When the pass began that has not ended yet, on the event loop's clock."""
    rest: Rest | None = None
    """The newest rest; None until the first, and again while a newer snapshot is on its way."""
    rested: asyncio.Event = field(default_factory=asyncio.Event)
    """Set, and replaced by another, with every rest: for who waits for the next one."""
    tally: Tally = field(default_factory=Tally)
    promotion: str | None = None
    """Why a promotion into it waits, for ``status``."""
    _offered: Snapshot | None = None
    _current: Snapshot | None = None
    _run: Convergence | None = None
    _old: list[Snapshot] = field(default_factory=list)
    _mark: LoopMark | None = None
    _failures: int = 0
    _began: float = 0.0
    _began_at_pass: int = 0

    @property
    def snapshot(self) -> Snapshot | None:
        """What is kept now, or will be from the next pass on."""
        return self._offered or self._current

    @property
    def in_flight(self) -> int:
        """Actions that run now."""
        return len(self._run.executor.tasks) if self._run is not None else 0

    def offer(self, snapshot: Snapshot) -> None:
        """Keep this from the next pass on; of several the last wins."""
        if self._offered is not None:
            self._old.append(self._offered)
        self._offered = snapshot
        self.wake.set()

    def hint(self) -> None:
        """Something may have happened: look soon."""
        self.tally.hints += 1
        self.wake.set()

    async def keep(self, stopping: asyncio.Event) -> None:
        """Passes until ``stopping``; what was begun is then finished, within 30 seconds."""
        try:
            while not stopping.is_set():
                await self._turn_to_newest()
                run = self._run
                if run is None:
                    await self._wait(None)
                    continue
                began = self.pass_began = asyncio.get_running_loop().time()
                pause = await self._pass(run)
                self.pass_began = None
                await self._sleep(run, pause, asyncio.get_running_loop().time() - began)
        finally:
            self.pass_began = None
            await self._end(goes_on=not stopping.is_set())

    async def _turn_to_newest(self) -> None:
        """Desired changes between two passes, never within one. A new commit may be what a failed attempt
        waited for, so attempts begin anew."""
        offered, self._offered = self._offered, None
        if offered is not None:
            earlier = self._current
            if earlier is not None:
                self._old.append(earlier)
            self._current, self.rest = offered, None
            self._run = self._turn(offered)
            if earlier is None or earlier.desired.commit != offered.desired.commit:
                self.heard.begun(offered.desired, offered.trigger)
        if self._old and (self._run is None or not self._run.executor.busy):
            old, self._old = self._old, []
            for snapshot in old:
                if snapshot.close is not None:
                    await snapshot.close()

    def _turn(self, snapshot: Snapshot) -> Convergence:
        run = self._run
        if run is None or run.clients.runtime is not snapshot.clients.runtime:
            told, sharing = self.heard.progress, self.sharing
            executor = Executor(self.owner, snapshot.clients, told, changed=self.wake, sharing=sharing)
            lease = Lease(self.owner, snapshot.clients.runtime, self.holder)
            self._mark = LoopMark(self.owner, snapshot.clients.runtime, self.holder)
            self._begin(0)
            return Convergence(snapshot.desired, snapshot.clients, executor, lease, snapshot.meet)
        if snapshot.desired.commit != run.desired.commit:
            run.executor.begin_anew()
        run.desired, run.clients, run.meet = snapshot.desired, snapshot.clients, snapshot.meet
        run.met = None
        run.executor.clients = snapshot.clients
        return run

    def _begin(self, passes: int) -> None:
        self._began, self._began_at_pass = asyncio.get_running_loop().time(), passes

    async def _pass(self, run: Convergence) -> float:
        """One pass; the seconds after which the next is due."""
        began = asyncio.get_running_loop().time()
        reports: list[PassReport] = []
        try:
            observed, decided = await run.run_pass(reports.append)
        except ProviderError as error:
            self.heard.failed(error)
            return self._backoff()
        took = asyncio.get_running_loop().time() - began
        for report in reports:
            self.tally.count(report, took)
            self.heard.passed(run.desired, report, took)
        if observed.unreadable:
            return self._backoff()
        self._failures, self.looked_at = 0, asyncio.get_running_loop().time()
        is_still = decided.settled or (not decided.actions and is_tired_out(observed, decided))
        if is_still and not run.executor.busy:
            await self._come_to_rest(run, observed, decided)
        await self._tell(run, observed)
        return self._pause(run, observed, decided)

    async def _come_to_rest(self, run: Convergence, observed: Observed, decided: Plan) -> None:
        outcomes, run.outcomes = tuple(run.outcomes), []
        result = judge(observed, decided, list(outcomes))
        took, passes = asyncio.get_running_loop().time() - self._began, run.passes - self._began_at_pass
        is_news = self.rest is None or outcomes or self.rest.result != result
        current = self._current
        if current is not None and self.rest is None and result == "settled":
            self.tally.settle(asyncio.get_running_loop().time() - current.read_at)
        # What brought the commit is why it first came to rest; later rests have causes of their own.
        trigger = current.trigger if current is not None and self.rest is None else "watch"
        self.rest = Rest(result, run.desired, observed, decided, outcomes, passes, took, trigger)
        rested, self.rested = self.rested, asyncio.Event()
        rested.set()
        if is_news:
            self.heard.rested(self.rest)
        self._begin(run.passes)
        try:
            await run.lease.give_back()
        except ProviderError:
            return  # it runs out by itself

    async def _tell(self, run: Convergence, observed: Observed) -> None:
        """The marker ``loop``: a hint for people and for ``apply``, so that no failure of it matters."""
        if self._mark is not None:
            self._mark.pending = self._current.pending if self._current is not None else None
            self._mark.promotion = self.promotion
            if self._current is not None and self.rest is not None:
                self._mark.last = (self._current.trigger, self.rest.result)
            settled = self.rest.desired.commit if self.rest and self.rest.result == "settled" else None
            try:
                await self._mark.renew(
                    observed, stand(run.desired, observed, settled, run.executor.last_heals)
                )
            except ProviderError:
                return

    def _backoff(self) -> float:
        self._failures += 1
        pause = min(_LONGEST_BACKOFF, 2.0 ** (self._failures - 1))
        return jittered(pause)

    def _pause(self, run: Convergence, observed: Observed, decided: Plan) -> float:
        times = [w.next_look - observed.at for w in decided.waits if w.next_look is not None]
        soonest = min((t for t in times if t > 0), default=None)
        idle = jittered(self.resync)
        if run.executor.busy:
            return min(soonest or _SLOWEST, _SLOWEST)
        if soonest is not None:
            return min(max(_LEAST, soonest), idle)
        return idle if decided.settled else 1.0

    async def _sleep(self, run: Convergence, pause: float, took: float) -> None:
        """Until something may have happened, at most ``pause`` seconds, and never busier than looking is."""
        await self._wait(pause)
        if run.executor.busy:
            # Many actions end close together, and a look costs the engine as much as some of them.
            await run.executor.wait_idle(max(_GATHER, 3 * took))
        else:
            await asyncio.sleep(max(0.0, min(took, _SLOWEST)))
        self.wake.clear()

    async def _wait(self, seconds: float | None) -> None:
        try:
            await asyncio.wait_for(self.wake.wait(), seconds)
        except TimeoutError:
            return
        finally:
            if seconds is None:
                self.wake.clear()

    async def _end(self, goes_on: bool) -> None:
        """``goes_on``: it was a fault of ours, and what was kept is kept again."""
        run, self._run = self._run, None
        if run is not None:
            await run.executor.close(_GRACE)
            with suppress(ProviderError):  # it runs out by itself
                await run.lease.give_back()
        newest = self.snapshot if goes_on else None
        left = [s for s in (*self._old, self._offered, self._current) if s is not None and s is not newest]
        self._old, self._offered, self._current = [], newest, None
        for snapshot in left:
            if snapshot.close is not None:
                await snapshot.close()

"""What webhooks bring about. A run is one asking for news: everything that is told before it begins shares
it, so that a thousand deliveries are one fetch. Its id is random and of 128 bits: whoever has it may ask.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Literal

from reconciler.cli.loop_payload import Moved
from reconciler.cli.loop_settle import Ended, Kept, come_to_rest, either
from reconciler.cli.loop_source import RepositoryWatch
from reconciler.cli.loop_tracked import is_newer
from reconciler.desired import Json
from reconciler.journal import Journal
from reconciler.render import format_time

INTERVAL: Final = 1.0
"""Seconds between two askings that webhooks of one repository bring about."""
BURST: Final = 200
RATE: Final = 20.0
"""Deliveries of one repository at once, and a second from then on; more are told to come again."""
LONGEST: Final = 900.0
"""Seconds after which nobody waits for a run any more."""
_MOST: Final = 256
_MOST_REFS: Final = 64
_AGAIN: Final = (1.0, 2.0, 4.0)
"""Seconds until a remote is asked again that does not show yet what it told of."""

State = Literal["pending", "settled", "failed"]


@dataclass(slots=True)
class Run:
    """One asking for news and what became of it."""

    id: str
    repository: str
    began: float
    """Seconds since 1970."""
    moved: dict[str, str | None] = field(default_factory=dict)
    """Ref → what it was before it was pushed, where that was told."""
    results: dict[str, Ended] = field(default_factory=dict)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    @property
    def trigger(self) -> str:
        """What history calls it."""
        return f"webhook {self.id}"

    @property
    def state(self) -> State:
        """Pending until everything of it rests; settled when all of that is as the commits say."""
        if not self.done.is_set():
            return "pending"
        return "settled" if all(ended.is_well for ended in self.results.values()) else "failed"

    def tell(self) -> dict[str, Json]:
        """As JSON."""
        return {
            "run": self.id,
            "repository": self.repository,
            "began_at": format_time(self.began),
            "state": self.state,
            "environments": {name: ended.result for name, ended in self.results.items()},
            "commits": {name: ended.commit for name, ended in self.results.items()},
        }


@dataclass(slots=True)
class Gate:
    """The deliveries of one repository. ``left`` of BURST may still come."""

    last: float = -INTERVAL
    waiting: Run | None = None
    """The run that has not asked yet."""
    left: float = BURST
    counted_at: float = 0.0

    def admit(self, now: float) -> bool:
        """Count one delivery; False where there are too many. ``now`` in seconds, by the event loop."""
        self.left = min(BURST, self.left + (now - self.counted_at) * RATE)
        self.counted_at = now
        if self.left < 1.0:
            return False
        self.left -= 1.0
        return True


@dataclass(slots=True)
class Runs:
    """The runs of one process, the newest 256 of them."""

    _runs: OrderedDict[str, Run] = field(default_factory=OrderedDict)
    _gates: dict[str, Gate] = field(default_factory=dict)

    def get(self, run_id: str) -> Run | None:
        """The run of this id."""
        return self._runs.get(run_id)

    def admit(self, name: str) -> bool:
        """Count a delivery of this repository; False where there are too many to be looked at."""
        return self._gate(name).admit(asyncio.get_running_loop().time())

    def ask(self, kept: Kept, watch: RepositoryWatch, moved: Iterable[Moved] = ()) -> Run:
        """Ask for news soon: at once, unless that was done within the last second."""
        gate = self._gate(watch.entry.name)
        run = gate.waiting
        if run is None:
            run = gate.waiting = Run(secrets.token_hex(16), watch.entry.name, time.time())
            self._keep(run)
            run.task = asyncio.create_task(self._follow(run, gate, kept, watch), name=run.trigger)
        for one in moved:
            if len(run.moved) < _MOST_REFS:
                run.moved.setdefault(one.ref, one.before)
        return run

    def _gate(self, name: str) -> Gate:
        return self._gates.setdefault(name, Gate())

    def _keep(self, run: Run) -> None:
        self._runs[run.id] = run
        while len(self._runs) > _MOST:
            _, oldest = self._runs.popitem(last=False)
            if oldest.task is not None:
                oldest.task.cancel()

    async def _follow(self, run: Run, gate: Gate, kept: Kept, watch: RepositoryWatch) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            await asyncio.sleep(max(0.0, gate.last + INTERVAL - began))
            gate.last, gate.waiting = loop.time(), None
            async with asyncio.timeout(LONGEST):
                await self._read(run, kept, watch)
                run.results = await come_to_rest(kept, watch)
        except (TimeoutError, asyncio.CancelledError) as error:
            owners = kept.owners(run.repository)
            run.results = {owner.environment: Ended("unfinished", None) for owner in owners}
            if isinstance(error, asyncio.CancelledError):
                raise
        finally:
            run.done.set()
            _record(run, kept, loop.time() - began)

    async def _read(self, run: Run, kept: Kept, watch: RepositoryWatch) -> None:
        """Until the remote was asked, and shows what it told of."""
        for pause in (*_AGAIN, None):
            read = watch.announce(run.trigger)
            await either(read.wait(), kept.stopping.wait())
            if kept.stopping.is_set() or is_newer(watch.seen, run.moved.items()) or pause is None:
                return
            await asyncio.sleep(pause)


def _record(run: Run, kept: Kept, seconds: float) -> None:
    """What became of it, where the keeper has not written that down already: it writes what it has done."""
    for owner in kept.owners(run.repository):
        ended, keeper = run.results.get(owner.environment), kept.keepers.get(owner)
        rest = keeper.rest if keeper is not None else None
        if ended is None or (rest is not None and rest.trigger == run.trigger and rest.outcomes):
            continue
        entry: dict[str, Json] = {
            "at": format_time(time.time()),
            "verb": "run",
            "trigger": run.trigger,
            "commit": ended.commit,
            "result": ended.result,
            "duration_s": round(seconds, 3),
            "actions": [],
        }
        Journal.of(owner).append(entry)

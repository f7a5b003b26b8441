"""One environment kept for as long as the process lives: commits, hints, hands off, faults, and the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from driver import Driver
from providers.memory import Behaviour
from reconciler.desired import Desired
from reconciler.keeper import Keeper
from reconciler.keeper_report import Heard, Rest
from reconciler.lease import read_lease
from reconciler.loop_mark import living_loop
from reconciler.observed import Marker, Observed, Phase
from reconciler.provider import ProviderError
from reconciler.serve import Post, listen, serve, sleep
from reconciler.snapshot import Snapshot, observed_only
from sketches import OWNER, Sketch, desired

WEB = Sketch("web", image="redis:7", check=False, monitor=0.1)


@dataclass
class Kept:
    """A keeper at work over a world in memory whose clock runs twenty times as fast as ours."""

    driver: Driver
    keeper: Keeper
    stopping: asyncio.Event
    rests: list[Rest] = field(default_factory=list)
    errors: list[ProviderError] = field(default_factory=list)

    def offer(self, wanted: Desired, closed: list[str] | None = None) -> None:
        async def close() -> None:
            if closed is not None:
                closed.append(wanted.commit)

        self.keeper.offer(Snapshot(wanted, self.driver.clients, None, close))

    async def look(self) -> Observed:
        snapshot = self.keeper.snapshot
        assert snapshot is not None
        return await self.driver.look(snapshot.desired)

    def deeds(self) -> list[str]:
        """Every call that had its effect, but for markers: some are written after a rest was told."""
        return [str(call) for call in self.driver.world.engine.made if call.verb != "put_marker"]

    def running(self) -> list[str]:
        containers = self.driver.world.engine.ground.containers.values()
        return sorted(c.name for c in containers if c.phase is Phase.RUNNING)


@asynccontextmanager
async def kept(*sketches: Sketch, resync: float = 0.3) -> AsyncIterator[Kept]:
    driver = Driver()
    driver.world.publish("redis:7")
    driver.stock.add(*sketches)
    stopping = asyncio.Event()
    keeper = Keeper(OWNER, resync=resync)
    found = Kept(driver, keeper, stopping)
    keeper.heard = Heard(rested=found.rests.append, failed=found.errors.append)

    async def tick(stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            await asyncio.sleep(0.02)
            driver.world.engine.advance(0.4)

    def crashed(name: str, error: BaseException) -> None:
        raise AssertionError(name) from error

    task = asyncio.create_task(serve([Post("keeper", keeper.keep), Post("clock", tick)], stopping, crashed))
    try:
        yield found
    finally:
        stopping.set()
        keeper.hint()
        await task


async def until(condition: Callable[[], bool], seconds: float = 8.0) -> None:
    """Wait for it; AssertionError when it does not come."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def test_settles_tells_so_and_gives_the_lease_back() -> None:
    async with kept(WEB) as it:
        wanted = desired(WEB)
        it.offer(wanted)
        await until(lambda: bool(it.rests))
        assert [r.result for r in it.rests] == ["settled"]
        assert [type(o.action).__name__ for o in it.rests[0].outcomes].count("CreateInstance") == 1
        async with asyncio.timeout(5.0):
            observed = await it.look()
            while (loop := living_loop(observed)) is None or loop.commit is None:
                await asyncio.sleep(0.01)
                observed = await it.look()
        assert read_lease(observed).until == 0.0, "the lease is given back before the rest is marked"
        assert loop.commit == wanted.commit
        assert loop.settled_at is not None


async def test_a_hint_heals_at_once_and_without_one_the_sweep_does() -> None:
    async with kept(WEB, resync=30.0) as it:
        it.offer(desired(WEB))
        await until(lambda: bool(it.rests))
        name = it.running()[0]
        it.driver.world.engine.hand.remove(name)
        await asyncio.sleep(0.1)
        assert it.running() == [], "nobody said anything, and the sweep is half a minute away"
        it.keeper.hint()
        await until(lambda: it.running() == [name], 2.0)
        it.keeper.resync = 0.2
        it.keeper.hint()
        await asyncio.sleep(0.3)
        it.driver.world.engine.hand.remove(name)
        await until(lambda: it.running() == [name], 3.0)


async def test_events_of_the_runtime_are_hints_and_a_break_of_theirs_is_one_too() -> None:
    async with kept(WEB, resync=60.0) as it:
        it.offer(desired(WEB))
        await until(lambda: bool(it.rests))
        engine = it.driver.world.engine
        engine.fail("watch", 3, ProviderError("TST001", "events", "cut"))
        listening = asyncio.create_task(listen(lambda: engine.watch(OWNER), it.keeper, it.stopping))
        await asyncio.sleep(0.1)
        name = it.running()[0]
        engine.hand.remove(name)
        await until(lambda: it.running() == [name], 4.0)
        it.stopping.set()
        it.keeper.hint()
        await listening


async def test_a_newer_commit_counts_from_the_next_pass_on_whatever_the_older_waits_for() -> None:
    bad = replace(WEB, image="redis:8", deadline=600.0)
    closed: list[str] = []
    async with kept(WEB, bad) as it:
        it.driver.world.engine.behave(it.driver.world.publish("redis:8"), Behaviour(healthy_after=None))
        older, newer = desired(replace(bad, check=True), at=1), desired(WEB, at=2)
        it.offer(older, closed)
        await until(lambda: bool(it.running()))
        assert not it.rests
        it.offer(newer, closed)
        await until(lambda: bool(it.rests))
        assert it.rests[0].desired.commit == newer.commit
        assert it.rests[0].result == "settled"
        await until(lambda: closed == [older.commit])


async def test_of_many_commits_at_once_the_newest_wins() -> None:
    closed: list[str] = []
    async with kept(WEB) as it:
        commits = [desired(replace(WEB, environment=(("N", str(n)),)), at=n) for n in range(1, 51)]
        for wanted in commits:
            it.offer(wanted, closed)
        await until(lambda: bool(it.rests))
        assert it.rests[0].desired.commit == commits[-1].commit
        created = [c for c in it.driver.world.engine.made if c.verb == "create_instance"]
        assert len({c.subject for c in created}) == 1
        await until(lambda: len(closed) == 49)


async def test_what_is_suspended_is_left_alone_until_it_is_resumed() -> None:
    async with kept(WEB, resync=0.2) as it:
        it.offer(desired(WEB))
        await until(lambda: bool(it.rests))
        engine, name = it.driver.world.engine, it.running()[0]
        value = {"active": True, "until": None, "reason": "migration"}
        assert await engine.put_marker(OWNER, Marker("suspend", "", 1, json.dumps(value)))
        engine.hand.remove(name)
        it.keeper.hint()
        await asyncio.sleep(0.6)
        assert it.running() == []
        assert await engine.put_marker(OWNER, Marker("suspend", "", 2, json.dumps({"active": False})))
        await until(lambda: it.running() == [name])


async def test_drift_is_only_told_where_the_environment_says_so() -> None:
    async with kept(WEB, resync=0.2) as it:
        snapshot = Snapshot(desired(WEB), it.driver.clients)
        it.keeper.offer(observed_only(snapshot))
        await until(lambda: bool(it.rests))
        it.driver.world.engine.hand.remove(it.running()[0])
        await asyncio.sleep(0.8)
        assert it.running() == []
        it.keeper.offer(
            observed_only(Snapshot(desired(replace(WEB, environment=(("A", "1"),)), at=2), it.driver.clients))
        )
        await until(lambda: bool(it.running()))


async def test_what_cannot_be_read_is_no_empty_world_and_is_asked_again_later() -> None:
    async with kept(WEB, resync=0.2) as it:
        it.offer(desired(WEB))
        await until(lambda: bool(it.rests))
        before, done = it.running(), it.deeds()
        it.driver.world.engine.unreadable("instances")
        it.keeper.hint()
        await asyncio.sleep(0.5)
        assert it.running() == before
        assert it.deeds() == done, "nothing is done on the third answer"
        it.driver.world.engine.recover()
        it.driver.world.engine.hand.remove(before[0])
        await until(lambda: it.running() == before)


async def test_a_commit_that_cannot_be_related_is_an_error_and_not_the_end() -> None:
    async with kept(WEB, resync=0.2) as it:
        wanted, failures = desired(WEB), 2

        def meet(observed: Observed) -> Desired:
            nonlocal failures
            if failures:
                failures -= 1
                raise ProviderError("GIT001", "git", "it hangs")
            return wanted

        it.keeper.offer(Snapshot(wanted, it.driver.clients, meet))
        await until(lambda: bool(it.rests))
        assert [error.code for error in it.errors] == ["GIT001", "GIT001"]


async def test_the_end_lets_what_was_begun_finish() -> None:
    async with kept(WEB) as it:
        it.offer(desired(WEB))
        await until(lambda: any(c.verb == "create_instance" for c in it.driver.world.engine.made))
    assert len(it.running()) == 1


async def test_a_fault_of_ours_in_one_environment_ends_no_other() -> None:
    stopping, told, calls = asyncio.Event(), [], {"bad": 0, "good": 0}

    async def bad(stopping: asyncio.Event) -> None:
        calls["bad"] += 1
        raise KeyError("a fault")

    async def good(stopping: asyncio.Event) -> None:
        calls["good"] += 1
        await sleep(stopping, 1.0)
        stopping.set()

    def tell(name: str, error: BaseException) -> None:
        told.append((name, repr(error)))

    await serve([Post("bad", bad), Post("good", good)], stopping, tell)
    assert calls["good"] == 1
    assert told[0] == ("bad", "KeyError('a fault')")

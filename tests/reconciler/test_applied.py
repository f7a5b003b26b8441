"""``deploy: manual``: the loop keeps and heals what the last ``apply`` asked for, and nothing else."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from driver import Driver
from keeping import Keeping, keeping
from reconciler.applied import read_applied, write_applied
from reconciler.cli.applied_watch import AppliedNews
from reconciler.cli.loop_settle import Kept, settle
from reconciler.decision import Plan
from reconciler.desired import Desired
from reconciler.keeper import Keeper
from reconciler.loop import PassReport
from reconciler.loop_seen import read_loop
from reconciler.observed import Marker, Observed
from reconciler.ownership import Owner
from reconciler.snapshot import Snapshot
from sketches import OWNER, Sketch, commit, desired
from virtual_time import run_virtually
from watched_repository import SERVICE, Told, environment, written

WEB = Sketch("web", image="redis:7", check=False, monitor=1.0)
NEWER = replace(WEB, environment=(("A", "1"),))


def manual(*sketches: Sketch, at: int = 1) -> Desired:
    """What a loop keeps of an environment that waits for ``apply``."""
    wanted = desired(*sketches, at=at)
    return replace(wanted, policy=replace(wanted.policy, waits_for_apply=True, backwards=True))


async def apply(it: Keeping, at: int) -> None:
    """Somebody asks for a commit, as the command does."""
    observed = await it.look()
    marker = write_applied(commit(at), "ann@host", observed.at, observed.markers)
    assert await it.driver.world.engine.put_marker(OWNER, marker)


def test_nothing_is_done_before_the_first_apply_and_what_was_applied_is_healed() -> None:
    async def live() -> None:
        async with keeping(WEB) as it:
            it.offer(manual(WEB))
            await it.until(lambda: it.rests)
            assert (it.running(), it.rests[0].result) == ([], "waiting")
            assert "waits for `apply`" in it.rests[0].plan.waits[0].reason
            await apply(it, 1)
            assert await it.until(it.running, 5.0) < 1.0, "its marker is heard at once"
            await it.until(lambda: it.rests[-1].result == "settled")
            (name,) = it.running()
            it.driver.world.engine.hand.remove(name)
            await it.until(lambda: it.running() == [name])

    run_virtually(live())


def test_a_newer_commit_waits_and_the_loop_follows_an_apply_forwards_and_backwards() -> None:
    async def live() -> None:
        async with keeping(WEB, NEWER) as it:
            await it.driver.settle(desired(WEB))
            it.offer(manual(WEB))
            await it.until(lambda: it.rests)
            it.keeper.offer(Snapshot(manual(WEB), it.driver.clients, pending=commit(2)))
            await it.until(lambda: len(it.rests) > 1)
            loop = None
            while loop is None or loop.pending is None:
                await asyncio.sleep(0.1)
                loop = read_loop(await it.look())
            assert loop.pending == commit(2)
            await apply(it, 2)
            made = it.begun("CreateInstance")
            it.driver.world.engine.hand.remove(it.running()[0])
            await it.until(lambda: "asked for commit" in str(it.reports[-1].plan.waits))
            assert it.begun("CreateInstance") == made, "what was superseded is not made again"
            it.offer(manual(NEWER, at=2))
            await it.until(
                lambda: it.rests[-1].desired.commit == commit(2) and it.rests[-1].result == "settled"
            )
            await apply(it, 1)
            it.offer(manual(WEB, at=1))
            await it.until(
                lambda: it.rests[-1].desired.commit == commit(1) and it.rests[-1].result == "settled"
            )
            assert {i.commit for i in (await it.look()).instances if not i.role.value} == {commit(1)}

    run_virtually(live())


def test_where_the_marker_was_lost_the_newest_commit_that_lives_is_what_was_applied() -> None:
    async def live() -> None:
        async with keeping(WEB, NEWER) as it:
            await it.driver.settle(desired(NEWER, at=2))
            it.offer(manual(WEB, at=1))
            await it.until(lambda: it.rests)
            assert it.rests[0].result == "waiting", "an older commit is not taken for it"
            it.offer(manual(NEWER, at=2))
            await it.until(lambda: it.rests[-1].desired.commit == commit(2))
            (name,) = it.running()
            it.driver.world.engine.hand.stop(name)
            await it.until(lambda: it.running() == [name])

    run_virtually(live())


def test_the_news_of_an_apply_are_told_once() -> None:
    told: list[tuple[str, str]] = []
    heard = AppliedNews(lambda repository, trigger: told.append((repository, trigger))).heard(OWNER, "shop")
    marker = write_applied(commit(2), "ann@host", 5.0, ())
    report = PassReport(1, Observed(at=9.0, markers=(marker,)), Plan(), (), ())
    for wanted in (manual(WEB), manual(WEB), manual(NEWER, at=2), desired(WEB)):
        heard.passed(wanted, report, 0.1)
    assert told == [("shop", "apply by ann@host")]
    assert read_applied((replace(marker, value='{"commit": "HEAD", "at": 1}'),)) is None


@pytest.fixture(name="told")
def _told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Told:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Told(written(tmp_path, environment("dev", deploy="manual") + SERVICE)[0])


async def test_a_loop_opens_what_was_applied_and_tells_what_waits(told: Told) -> None:
    first = told.repository.git("rev-parse", "HEAD").strip()
    await told.watch.look()
    assert (told.offered, told.waits) == ([("dev", first)], [("dev", None, first)])
    policy = told.workspaces[-1].desired.policy
    assert (policy.waits_for_apply, policy.by_hand) == (True, False)
    told.engine.hand.write_marker(Owner("shop", "dev"), write_applied(first, "ann", 1.0, ()))
    second = told.repository.commit({"note": "two\n"})
    await told.watch.look()
    assert (told.offered[-1], told.waits[-1]) == (("dev", first), ("dev", first, second))
    applied = Marker("applied", "", 2, write_applied(second, "ann", 2.0, ()).value)
    told.engine.hand.write_marker(Owner("shop", "dev"), applied)
    told.watch.reread("apply by ann")
    await told.watch.look()
    assert (told.offered[-1], len(told.waits)) == (("dev", second), 2)


async def test_a_commit_that_is_not_known_here_is_refused_and_what_was_kept_is_kept_on(told: Told) -> None:
    unknown = "ab" * 20
    told.engine.hand.write_marker(Owner("shop", "dev"), write_applied(unknown, "ann", 1.0, ()))
    await told.watch.look()
    assert told.offered == []
    assert [name for name, _ in told.faults] == ["dev"]
    assert "dev" in told.watch.held, "it is asked again without any news"


async def test_who_waits_for_a_commit_that_waits_for_apply_is_told_so(told: Told) -> None:
    await told.watch.look()
    keeper = Keeper(OWNER)
    keeper.offer(Snapshot(manual(WEB), Driver().clients, pending=commit(2)))
    kept = Kept({"shop": told.watch}, {OWNER: keeper}, lambda name: [OWNER])
    assert await settle(kept, told.watch) == {"dev": "waiting"}

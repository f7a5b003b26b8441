"""``drift: report``: what people change is told and left, commits deploy all the same, to the very end."""

from __future__ import annotations

from dataclasses import replace

from keeping import Keeping, keeping
from providers.memory import Behaviour
from reconciler.cli.drift_news import DriftNews
from reconciler.cli.loop_metrics import metrics_text
from reconciler.desired import Desired
from reconciler.reported_drift import reported
from sketches import OWNER, Sketch, commit, desired
from virtual_time import run_virtually

WEB = Sketch("web", image="redis:7", check=False, monitor=5.0, replicas=2, memory=64 << 20)
NEWER = replace(WEB, environment=(("A", "1"),))


def told(*sketches: Sketch, at: int = 1) -> Desired:
    """An environment of which drift is only told."""
    wanted = desired(*sketches, at=at)
    return replace(wanted, policy=replace(wanted.policy, heal=False))


async def settled(it: Keeping, wanted: Desired) -> None:
    it.offer(wanted)
    await it.until(lambda: it.rests and it.rests[-1].desired.commit == wanted.commit)


def test_what_was_changed_is_told_by_name_and_left_and_a_commit_deploys() -> None:
    async def live() -> None:
        async with keeping(WEB, NEWER, resync=5.0) as it:
            await settled(it, told(WEB))
            first, second = it.running()
            engine = it.driver.world.engine
            engine.hand.edit(first, "deploy.resources.limits.memory", 32 << 20)
            engine.hand.stop(second)
            await it.until(lambda: len(reported(it.reports[-1].plan)) == 2)
            words = " ".join(reported(it.reports[-1].plan).values())
            assert "deploy.resources.limits.memory" in words
            assert "stopped by hand" in words
            news = DriftNews()
            lines, is_over = news.changed(OWNER, it.reports[-1].plan)
            assert (len(lines), is_over) == (2, False)
            assert news.changed(OWNER, it.reports[-1].plan) == ([], False), "told once"
            assert it.begun("MendInstance") == 0
            shown = metrics_text({OWNER: it.keeper}, 0.0)
            assert 'drift_reported{project="shop",environment="dev"} 2' in shown
            await settled(it, told(NEWER, at=2))
            assert it.rests[-1].result == "settled"
            assert len(it.running()) == 2
            assert {i.commit for i in (await it.look()).instances if not i.role.value} == {commit(2)}
            assert news.changed(OWNER, it.rests[-1].plan) == ([], True)

    run_virtually(live())


def test_a_rollout_is_finished_whatever_people_do_in_the_middle_of_it() -> None:
    async def live() -> None:
        async with keeping(WEB, NEWER) as it:
            await settled(it, told(WEB))
            old = set(it.running())
            it.offer(told(NEWER, at=2))
            await it.until(lambda: set(it.running()) - old)
            new = sorted(set(it.running()) - old)[0]
            it.driver.world.engine.hand.edit(new, "user", "nobody")
            await it.until(lambda: len(set(it.running()) - old) == 2)
            it.driver.world.engine.hand.remove(sorted(set(it.running()) - old)[0])
            await it.until(lambda: it.rests[-1].desired.commit == commit(2))
            assert it.rests[-1].result == "settled"
            assert len(it.running()) == 2

    run_virtually(live())


def test_a_rollout_that_fails_is_rolled_back_although_drift_is_only_told() -> None:
    bad = replace(WEB, image="redis:8", check=True, deadline=20.0, order="stop-first", max_unavailable=1)

    async def live() -> None:
        async with keeping(WEB, bad, images=("redis:8",)) as it:
            never = Behaviour(healthy_after=None)
            it.driver.world.engine.behave(it.driver.world.publish("redis:8"), never)
            await settled(it, told(WEB))
            await settled(it, told(bad, at=2))
            assert it.rests[-1].result == "rolled_back"
            assert len(it.running()) == 2
            live = {i.commit for i in (await it.look()).instances if not i.role.value}
            assert live == {commit(1)}

    run_virtually(live())


def test_a_newer_commit_supersedes_a_failing_rollout_at_once_and_one_that_waits() -> None:
    bad = replace(WEB, image="redis:8", check=True, deadline=600.0)
    missing = replace(WEB, image="redis:9")

    async def live() -> None:
        async with keeping(WEB, bad, missing, NEWER, images=("redis:8",)) as it:
            never = Behaviour(healthy_after=None)
            it.driver.world.engine.behave(it.driver.world.publish("redis:8"), never)
            it.offer(desired(WEB))
            await it.until(lambda: it.rests)
            it.offer(desired(bad, at=2))
            await it.until(lambda: len(it.running()) == 3)
            it.offer(desired(missing, at=3))
            await it.until(lambda: it.rests[-1].desired.commit == commit(3))
            assert it.rests[-1].result == "blocked", "its image is in no registry"
            it.offer(desired(NEWER, at=4))
            took = await it.until(lambda: it.rests[-1].desired.commit == commit(4), 120.0)
            assert it.rests[-1].result == "settled"
            assert took < 45.0, "it waits for no deadline of what it supersedes"
            assert {i.commit for i in (await it.look()).instances if not i.role.value} == {commit(4)}

    run_virtually(live())

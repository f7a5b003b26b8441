"""What fails again and again is told as failed, although a loop tries on."""

from __future__ import annotations

from keeping import keeping
from reconciler.provider import ProviderError
from sketches import Sketch, commit, desired
from virtual_time import run_virtually

WEB = Sketch("web", image="redis:7", check=False, monitor=5.0)
BUSY = ProviderError("TST001", "registry", "it is busy")


def test_a_loop_says_that_it_failed_and_settles_when_it_can() -> None:
    async def live() -> None:
        async with keeping(WEB) as it:
            it.driver.world.engine.fail("pull", error=BUSY, times=6)
            it.offer(desired(WEB, at=1))
            took = await it.until(lambda: it.rests)
            assert it.rests[0].result == "failed"
            assert took < 60, "nobody waits for minutes to hear it"
            assert it.begun("PullImage") == 3
            await it.until(lambda: it.rests[-1].result == "settled")
            assert it.rests[-1].desired.commit == commit(1)
            assert len(it.running("web")) == 1

    run_virtually(live())


def test_while_anything_else_goes_on_nothing_is_told_yet() -> None:
    slow = Sketch("slow", image="redis:7", check=False, monitor=120.0)
    other = Sketch("other", image="redis:8", check=False)

    async def live() -> None:
        async with keeping(slow, other, images=("redis:8",)) as it:
            it.offer(desired(slow, at=1))
            await it.until(it.running)
            it.driver.world.engine.fail("pull", error=BUSY, times=None)
            it.offer(desired(slow, other, at=2))
            took = await it.until(lambda: it.rests)
            assert took > 100
            assert it.rests[0].result == "failed"
            assert len(it.running("slow")) == 1

    run_virtually(live())

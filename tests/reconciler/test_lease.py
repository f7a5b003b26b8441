"""Who may write: one process at a time, and never a dead one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, replace

import pytest

from driver import Driver
from reconciler import lease as lease_module
from reconciler.desired import Desired
from reconciler.lease import KIND, RENEW, SECONDS, Lease, is_dead, process_name, read_lease
from reconciler.observed import Marker, Observed
from reconciler.provider import ProviderError
from sketches import OWNER, desired

NOTHING = desired()


def lease_of(driver: Driver, holder: str) -> Lease:
    return Lease(OWNER, driver.world.engine, holder)


async def look(driver: Driver, wanted: Desired = NOTHING) -> Observed:
    return await driver.look(wanted)


def with_lease(value: str, sequence: int = 3) -> Observed:
    return Observed(at=1000.0, markers=(Marker(KIND, "", sequence, value, "lease_x"),))


async def test_only_one_of_two_takes_it() -> None:
    driver = Driver()
    one, other = lease_of(driver, "one"), lease_of(driver, "other")
    seen = await look(driver)
    assert await one.take(seen)
    assert not await other.take(seen), "both looked before either wrote: the first create wins"
    later = await look(driver)
    assert other.other(later) == "one"
    assert not await other.take(later)
    assert one.other(later) is None


async def test_it_is_renewed_only_when_a_third_of_it_is_over() -> None:
    driver = Driver()
    one = lease_of(driver, "one")
    assert await one.take(await look(driver))
    assert await one.take(await look(driver))
    assert read_lease(await look(driver)).sequence == 1
    driver.world.engine.advance(RENEW)
    assert await one.take(await look(driver))
    held = read_lease(await look(driver))
    assert (held.sequence, held.until) == (2, driver.world.engine.clock + SECONDS)


async def test_it_runs_out_by_itself() -> None:
    driver = Driver()
    one, other = lease_of(driver, "one"), lease_of(driver, "other")
    assert await one.take(await look(driver))
    driver.world.engine.advance(SECONDS - 1)
    assert other.other(await look(driver)) == "one"
    driver.world.engine.advance(1)
    assert other.other(await look(driver)) is None
    assert await other.take(await look(driver))
    assert one.other(await look(driver)) == "other"


async def test_it_is_given_back_by_a_newer_marker() -> None:
    driver = Driver()
    one, other = lease_of(driver, "one"), lease_of(driver, "other")
    assert await one.take(await look(driver))
    await one.give_back()
    seen = await look(driver)
    assert [m.kind for m in seen.markers] == [KIND], "nothing is said by deletion"
    assert other.other(seen) is None
    assert await other.take(seen)


async def test_what_was_never_taken_is_not_given_back() -> None:
    driver = Driver()
    await lease_of(driver, "one").give_back()
    assert driver.world.engine.made == []


async def test_an_engine_that_fails_gives_no_lease() -> None:
    driver = Driver()
    driver.world.engine.fail("put_marker", times=None)
    one = lease_of(driver, "one")
    with pytest.raises(ProviderError):
        await one.take(await look(driver))
    assert one.taken is None


@pytest.mark.parametrize(
    "value", ["", "{", "[]", "{}", '{"holder": "x"}', '{"holder": "x", "until": "soon"}', "null", "7"]
)
def test_one_that_cannot_be_understood_is_over(value: str) -> None:
    held = read_lease(with_lease(value))
    assert (held.holder, held.until, held.sequence) == ("", 0.0, 3)


async def test_a_damaged_one_is_followed_by_the_next_number() -> None:
    driver = Driver()
    driver.world.engine.hand.write_marker(OWNER, Marker(KIND, "", 7, "{"))
    assert await lease_of(driver, "one").take(await look(driver))
    assert read_lease(await look(driver)).sequence == 8


async def test_a_dead_process_of_this_boot_holds_nothing() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    start = lease_module._start_time(child.pid)
    host, boot, _, _ = process_name().split("/")
    holder = f"{host}/{boot}/{child.pid}/{start}"
    value = json.dumps({"holder": holder, "until": 1060.0})
    one = Lease(OWNER, Driver().world.engine, "one")
    try:
        assert not is_dead(holder)
        assert one.other(with_lease(value)) == holder
    finally:
        child.communicate(b"\n")
    assert is_dead(holder)
    assert one.other(with_lease(value)) is None


def test_nobody_is_called_dead_on_a_guess() -> None:
    host, boot, pid, start = process_name().split("/")
    assert not is_dead(process_name())
    assert is_dead(f"{host}/{boot}/{pid}/{int(start) - 1}"), "the same number, another process"
    gone = "4194304"
    assert not is_dead(f"elsewhere/{boot}/{gone}/1"), "another machine"
    assert not is_dead(f"{host}/another-boot/{gone}/1"), "another boot, or another namespace"
    for odd in ("", "x", f"{host}/", f"{host}/{boot}/", f"{host}/{boot}/x/1", f"{host}//{gone}/1"):
        assert not is_dead(odd)


def test_the_name_of_a_process_names_it() -> None:
    assert process_name().split("/")[2] == str(os.getpid())
    assert process_name() == process_name()


async def test_of_equal_numbers_all_agree_on_one() -> None:
    """Two writers without compare-and-swap: whoever reads both comes to the same answer."""
    markers = tuple(
        Marker(KIND, "", 1, json.dumps({"holder": holder, "until": 1060.0}), f"lease_1_{digest}")
        for holder, digest in (("one", "0a"), ("other", "0b"))
    )
    seen = Observed(at=1000.0, markers=markers)
    assert read_lease(seen) == read_lease(replace(seen, markers=markers[::-1]))
    assert read_lease(seen).holder == "other"


@dataclass
class Watch:
    """A clock of our own that a test moves."""

    now: float = 500.0

    def __call__(self) -> float:
        return self.now


async def test_who_was_stopped_for_longer_than_it_lasts_holds_nothing() -> None:
    driver, watch = Driver(), Watch()
    one = Lease(OWNER, driver.world.engine, "one", clock=watch)
    one.begin_look()
    assert await one.take(await look(driver))
    watch.now += SECONDS - 0.1
    assert one.holds()
    watch.now += 0.1
    assert not one.holds()
    made = len(driver.world.engine.made)
    await one.give_back()
    assert len(driver.world.engine.made) == made, "what may be another's by now is not given back"


async def test_a_look_that_took_longer_than_it_lasts_gives_none() -> None:
    driver, watch = Driver(), Watch()
    one = Lease(OWNER, driver.world.engine, "one", clock=watch)
    one.begin_look()
    seen = await look(driver)
    watch.now += SECONDS
    assert not await one.take(seen)
    one.begin_look()
    assert await one.take(await look(driver))


async def test_nobody_waits_for_a_clock_that_was_set_back() -> None:
    driver, watch = Driver(), Watch()
    one, other = lease_of(driver, "one"), Lease(OWNER, driver.world.engine, "other", clock=watch)
    assert await one.take(await look(driver))
    driver.world.engine.ground.time.now -= 86_400.0
    assert other.other(await look(driver)) == "one"
    watch.now += SECONDS - 1
    assert other.other(await look(driver)) == "one"
    watch.now += 1
    assert other.other(await look(driver)) is None
    assert await other.take(await look(driver))


async def test_who_lives_renews_it_though_the_clock_was_set_back() -> None:
    driver, watch = Driver(), Watch()
    one = Lease(OWNER, driver.world.engine, "one", clock=watch)
    other = Lease(OWNER, driver.world.engine, "other", clock=watch)
    one.begin_look()
    assert await one.take(await look(driver))
    driver.world.engine.ground.time.now -= 86_400.0
    for _ in range(9):
        one.begin_look()
        assert await one.take(await look(driver))
        assert other.other(await look(driver)) == "one"
        watch.now += RENEW


async def test_with_markers_that_cannot_be_read_it_is_ours_for_as_long_as_it_surely_lasts() -> None:
    driver, watch = Driver(), Watch()
    one = Lease(OWNER, driver.world.engine, "one", clock=watch)
    assert await one.take(await look(driver))
    driver.world.engine.unreadable("markers")
    assert await one.take(await look(driver))
    watch.now += SECONDS
    driver.world.engine.advance(SECONDS)
    assert not await one.take(await look(driver))

from __future__ import annotations

import asyncio

import pytest

from providers.oci.flights import Flights


class Work:
    """Counts its starts and ends when told."""

    def __init__(self) -> None:
        self.starts = 0
        self.cancelled = 0
        self.gate = asyncio.Event()
        self.error: Exception | None = None

    async def run(self) -> int:
        self.starts += 1
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error:
            raise self.error
        return self.starts


async def test_everybody_gets_the_result_of_one_start() -> None:
    flights: Flights[str, int] = Flights()
    work = Work()
    waiting = [asyncio.create_task(flights.join("key", work.run)) for _ in range(5)]
    await asyncio.sleep(0)
    work.gate.set()
    assert await asyncio.gather(*waiting) == [1] * 5
    assert await flights.join("key", work.run) == 2


async def test_keys_do_not_wait_for_one_another() -> None:
    flights: Flights[str, int] = Flights()
    blocked, free = Work(), Work()
    free.gate.set()
    waiting = asyncio.create_task(flights.join("one", blocked.run))
    assert await flights.join("other", free.run) == 1
    blocked.gate.set()
    assert await waiting == 1


async def test_an_error_goes_to_everybody_and_is_not_kept() -> None:
    flights: Flights[str, int] = Flights()
    work = Work()
    work.error = ValueError("broken")
    waiting = [asyncio.create_task(flights.join("key", work.run)) for _ in range(2)]
    await asyncio.sleep(0)
    work.gate.set()
    assert [type(one) for one in await asyncio.gather(*waiting, return_exceptions=True)] == [ValueError] * 2
    work.error = None
    assert await flights.join("key", work.run) == 2


async def test_one_caller_who_leaves_does_not_end_it_for_the_others() -> None:
    flights: Flights[str, int] = Flights()
    work = Work()
    first, second = (asyncio.create_task(flights.join("key", work.run)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    work.gate.set()
    assert await second == 1
    assert first.cancelled()


async def test_it_ends_when_the_last_caller_leaves_and_the_next_starts_anew() -> None:
    flights: Flights[str, int] = Flights()
    work = Work()
    only = asyncio.create_task(flights.join("key", work.run))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    only.cancel()
    with pytest.raises(asyncio.CancelledError):
        await only
    work.gate.set()
    assert await flights.join("key", work.run) == 2
    assert work.cancelled == 1


async def test_closing_ends_what_is_under_way() -> None:
    flights: Flights[str, int] = Flights()
    work = Work()
    waiting = asyncio.create_task(flights.join("key", work.run))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await flights.aclose()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert work.cancelled == 1

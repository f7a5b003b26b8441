"""A clock that a test moves."""

from __future__ import annotations

import asyncio
import itertools


class Clock:
    """Seconds that pass only when somebody says so.

    With ``auto`` a sleep moves the clock itself and returns at once; without it the sleeper waits until
    ``advance`` has passed its hour, so that an action can be seen in flight.
    """

    def __init__(self, now: float = 1_000_000.0, *, auto: bool = True) -> None:
        self.now = now
        self.auto = auto
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def advance(self, seconds: float) -> None:
        """Move the clock forward and wake who has slept long enough. Raises ValueError when negative."""
        if seconds < 0:
            raise ValueError("a clock does not go back")
        self.now += seconds
        due = sorted(s for s in self._sleepers if s[0] <= self.now)
        self._sleepers = [s for s in self._sleepers if s[0] > self.now]
        for _, _, future in due:
            if not future.done():
                future.set_result(None)

    async def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass on this clock."""
        if seconds <= 0:
            return
        if self.auto:
            self.advance(seconds)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.now + seconds, next(self._order), future))
        await future

    @property
    def next_wake(self) -> float | None:
        """When the first sleeper wakes; None when nobody sleeps."""
        return min((at for at, _, future in self._sleepers if not future.done()), default=None)

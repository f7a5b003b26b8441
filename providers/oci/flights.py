"""Single flight: of several callers who want the same thing at the same time one does it for all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Key = TypeVar("Key")
Result = TypeVar("Result")


@dataclass(eq=False)
class _Flight(Generic[Result]):
    task: asyncio.Task[Result]
    passengers: int = 0


class Flights(Generic[Key, Result]):
    """Work under way, by key. Result and error go to everybody who joined; nothing is kept afterwards."""

    def __init__(self) -> None:
        self._open: dict[Key, _Flight[Result]] = {}

    async def join(self, key: Key, start: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
        """Await the work under ``key``, started now unless it is under way.

        It ends early only when everybody who waits for it was cancelled.
        """
        flight = self._open.get(key)
        if flight is None:
            flight = self._open[key] = _Flight(asyncio.create_task(start()))
            flight.task.add_done_callback(lambda _: self._land(key, flight))
        flight.passengers += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.passengers -= 1
            if not flight.passengers and not flight.task.done():
                self._land(key, flight)
                flight.task.cancel()

    async def aclose(self) -> None:
        """End all that is under way."""
        tasks = [flight.task for flight in self._open.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _land(self, key: Key, flight: _Flight[Result]) -> None:
        if self._open.get(key) is flight:
            del self._open[key]

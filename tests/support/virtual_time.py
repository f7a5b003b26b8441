"""An event loop whose clock jumps to the next thing that is due: hours of waiting in a moment."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
HASTE = 10


class _Jumping(selectors.DefaultSelector):  # type: ignore[misc, valid-type]  # the platform's own class
    """Waits for nothing: time passes instead."""

    loop: VirtualLoop | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        if ready or self.loop is None:
            return ready
        if timeout is None:
            raise RuntimeError("nothing is due any more: somebody waits for ever")
        self.loop.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Only for what does no input and output of its own."""

    def __init__(self) -> None:
        self.now = 0.0
        selector = _Jumping()
        super().__init__(selector)
        selector.loop = self

    def time(self) -> float:
        return self.now


class _Short(selectors.DefaultSelector):  # type: ignore[misc, valid-type]  # the platform's own class
    """Waits for a part of what it is asked to."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found: list[tuple[selectors.SelectorKey, int]] = super().select(timeout and timeout / HASTE)
        return found


class HastyLoop(asyncio.SelectorEventLoop):
    """A clock that goes HASTE times as fast, for pauses beside threads and processes."""

    def __init__(self) -> None:
        super().__init__(_Short())

    def time(self) -> float:
        return super().time() * HASTE


def run_hastily(work: Coroutine[Any, Any, T]) -> T:
    """Run it in a hasty loop of its own."""
    with asyncio.Runner(loop_factory=HastyLoop) as runner:
        return runner.run(work)


def run_virtually(work: Coroutine[Any, Any, T]) -> T:
    """Run it in a loop of its own."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

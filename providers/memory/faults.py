"""Faults and crash points: what can go wrong before and after every single call of an action."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from providers.memory.errors import Killed, lost_reply

When: TypeAlias = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class Call:
    """One effectful call to the engine: the verb of the runtime, its step, the object's name."""

    verb: str
    step: str
    subject: str

    def __str__(self) -> str:
        return f"{self.verb}.{self.step} {self.subject}"


Hook: TypeAlias = Callable[[Call, When], None]
"""Called before and after every effectful call; what it raises leaves the verb."""


@dataclass
class _Fault:
    verb: str
    skip: int
    error: BaseException
    when: When
    times: int | None

    def matches(self, call: Call, when: When) -> bool:
        return when == self.when and self.verb in {call.verb, f"{call.verb}.{call.step}"}


@dataclass
class CrashAt:
    """A hook that dies at one boundary. Run once with ``index`` None to count the boundaries, then once
    with each index below ``len(crossed)``."""

    index: int | None = None
    crossed: list[tuple[Call, When]] = field(default_factory=list)

    def __call__(self, call: Call, when: When) -> None:
        self.crossed.append((call, when))
        if len(self.crossed) - 1 == self.index:
            raise Killed(f"{when} {call}")


class Faults:
    """The faults that wait to happen, and the record of every call that had its effect."""

    def __init__(self) -> None:
        self.hook: Hook | None = None
        self.made: list[Call] = []
        self._waiting: list[_Fault] = []

    def add(self, verb: str, nth: int, error: BaseException | None, when: When, times: int | None) -> None:
        """Let the ``nth`` matching crossing (from 1) and the ones after it fail, ``times`` in all."""
        self._waiting.append(_Fault(verb, nth - 1, error or lost_reply(verb), when, times))

    def clear(self) -> None:
        """No fault and no hook any more."""
        self._waiting.clear()
        self.hook = None

    def cross(self, call: Call, when: When) -> None:
        """Meet what waits at this boundary."""
        if when == "after":
            self.made.append(call)
        if self.hook is not None:
            self.hook(call, when)
        self._meet_all(call, when)

    def cross_read(self, call: Call) -> None:
        """Meet what waits before a call without effect; no hook is called: nothing can be half done."""
        self._meet_all(call, "before")

    def _meet_all(self, call: Call, when: When) -> None:
        for fault in list(self._waiting):
            if fault.matches(call, when):
                self._meet(fault)

    def _meet(self, fault: _Fault) -> None:
        if fault.skip > 0:
            fault.skip -= 1
            return
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self._waiting.remove(fault)
        raise fault.error

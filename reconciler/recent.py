"""What was worked out lately, kept for as long as it is asked for again. Pure: it changes no answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

T = TypeVar("T")
_LEAST: Final = 256


class Recent(Generic[T]):
    """Answers by their question, without what nobody asked for lately.

    A count alone would not do: who keeps ten services for a year asks a new question with each release, and
    thousands of answers that nobody needs any more are megabytes.
    """

    def __init__(self, work_out: Callable[[str], T]) -> None:
        self._work_out = work_out
        self._new: dict[str, T] = {}
        self._old: dict[str, T] = {}
        self._asked = 0

    def ask(self, question: str) -> T:
        """The answer, which is a function of the question."""
        self._asked += 1
        # So often asked, and twice what was needed since: what was not asked for meanwhile goes.
        if self._asked > max(_LEAST, 2 * len(self._new)):
            self._old, self._new, self._asked = self._new, {}, 0
        if question not in self._new:
            old = self._old
            self._new[question] = old[question] if question in old else self._work_out(question)
        return self._new[question]

    def __len__(self) -> int:
        return len(self._new) + len(self._old)

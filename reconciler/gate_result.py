"""What became of a gate, and of all of them together. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GateResult:
    """What became of one gate; of one service where that matters. ``retry_at``: when it may pass, where time
    alone lets it; seconds since 1970."""

    name: str
    service_name: str | None
    passed: bool | None
    seen: str
    expected: str
    retry_at: float | None = None
    remedy: str = ""


def in_order(results: Iterable[GateResult]) -> tuple[GateResult, ...]:
    """Sorted by name and service."""
    return tuple(sorted(results, key=lambda it: (it.name, it.service_name or "")))


def may_pass(results: Iterable[GateResult]) -> bool | None:
    """True where every gate has passed, False where one has not; None where one cannot be told."""
    passed = [result.passed for result in results]
    return False if False in passed else None if None in passed else True


def retry_at(results: Iterable[GateResult]) -> float | None:
    """When all may pass, by time alone; None where that takes more than time, or where all have passed."""
    held = [result.retry_at for result in results if result.passed is not True]
    times = [at for at in held if at is not None]
    return max(times) if times and len(times) == len(held) else None

"""Live against what was applied and what is desired, field by field: pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reconciler.desired import Subject
from reconciler.difference import Diff


@dataclass(frozen=True, slots=True)
class IgnoredDiff:
    """A live difference that a drift rule leaves alone."""

    path: str
    reason: str
    until: str | None


@dataclass(frozen=True, slots=True)
class ServiceDrift:
    """What differs in one service. ``missing`` instances that were applied are gone; ``extra`` ones are
    ours and one too many; ``heal`` names the verbs that would mend it."""

    service_name: str
    result: Literal["clean", "drifted", "cannot_tell"]
    diffs: tuple[Diff, ...] = ()
    missing: int = 0
    extra: tuple[Subject, ...] = ()
    heal: tuple[str, ...] = ()
    ignored: tuple[IgnoredDiff, ...] = ()
    pending: int = 0
    """Differences of origin commit."""
    since: float | None = None

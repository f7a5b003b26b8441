"""What an environment and a command allow: frozen values, no IO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from specs.allow import Allowed
from specs.reference import ImageRef

NOTHING_ALLOWED = Allowed()


@dataclass(frozen=True, slots=True)
class RecordPlace:
    """Where an environment publishes its record, and after how many seconds nobody believes it."""

    ref: ImageRef
    age: float


@dataclass(frozen=True, slots=True)
class Policy:
    """What the environment and the command allow."""

    heal: bool = True
    prune_limit: int | None = None
    backwards: bool = False
    allow_prune: str | None = None
    source: str = ""
    """The text of the label ``reconciler.source`` that this source writes."""
    mode: Literal["live", "offline", "worktree"] = "live"
    take_over: Literal["no", "prepare", "take"] = "no"
    """``adopt``: make everything ready but instances; then make them, whoever else was there before."""
    allowed: Allowed = NOTHING_ALLOWED
    by_hand: bool = False
    """A person asked for this: what is suspended as a whole is suspended for loops, not for them."""
    engine: str = ""
    """The id of the engine that the environment is known to be on; empty where that is not known."""
    waits_for_apply: bool = False
    """``deploy: manual``: nothing but what the last ``apply`` asked for is kept."""
    record: RecordPlace | None = None
    """Where others read what this environment has proved; None where it tells nobody."""

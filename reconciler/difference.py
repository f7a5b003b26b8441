"""One difference between what is desired, what was applied and what lives; and the cause of an action."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from reconciler.desired import Json


class Verdict(Enum):
    """The answer to "is it the same?" for one field."""

    SAME = "same"
    DIFFERENT = "different"
    CANNOT_TELL = "cannot_tell"
    NOT_COMPARED = "not_compared"


@dataclass(frozen=True, slots=True)
class Diff:
    """One difference. Origin live: the live object differs from what was applied; commit: what was
    applied differs from what is desired."""

    path: str
    origin: Literal["live", "commit"]
    desired: Json
    applied: Json
    live: Json
    verdict: Verdict = Verdict.DIFFERENT


CauseType = Literal["commit", "drift", "input", "release", "prune", "operator", "retry"]


@dataclass(frozen=True, slots=True)
class Cause:
    """Why an action is planned: ``refs`` name what it comes from, in words a person reads."""

    type: CauseType
    refs: tuple[str, ...] = ()
    diffs: tuple[Diff, ...] = ()

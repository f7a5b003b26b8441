"""The steps of a canary: which share of the requests the new generation gets, and since when. Pure.

Where it stands is the marker ``step`` of the service. Without it the first step begins again: no step is left
out for a marker that was lost.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from reconciler.observed import Marker
from reconciler.strict_json import read_number, read_object
from specs.rollout import Rollout, Step

STEP = "step"
"""The kind of marker."""
State = Literal["running", "paused", "aborted"]
_STATES: Mapping[str, State] = {"running": "running", "paused": "paused", "aborted": "aborted"}


@dataclass(frozen=True, slots=True)
class Standing:
    """What the marker says: the generation (eight digits), the step that it is at, and since when, in seconds
    on the runtime's clock. ``by``: who steered it last; empty for nobody."""

    generation: str
    index: int
    since: float
    state: State = "running"
    by: str = ""


@dataclass(frozen=True, slots=True)
class Canary:
    """A canary that is on its way: the step that it is at."""

    steps: tuple[Step, ...]
    standing: Standing | None
    """None before its first instance gets requests."""

    @property
    def step(self) -> Step | None:
        """The step that it is at; None when all are over."""
        index = self.standing.index if self.standing is not None else 0
        return self.steps[index] if index < len(self.steps) else None

    @property
    def weight(self) -> int:
        """Percent of the requests."""
        return self.step.weight if self.step is not None else 100

    @property
    def ends_at(self) -> float | None:
        """When the step ends by itself; None when somebody must say so."""
        if self.standing is None or self.step is None or self.step.pause is None:
            return None
        return None if self.standing.state == "paused" else self.standing.since + self.step.pause

    def instances(self, replicas: int) -> int:
        """How many instances the share needs."""
        return max(1, min(replicas, math.ceil(replicas * self.weight / 100)))


def find_canary(rollout: Rollout, marker: Marker | None, generation: str) -> Canary | None:
    """The canary of this generation (eight digits); None where the strategy is another, or all its steps are
    over."""
    if rollout.strategy != "canary":
        return None
    standing = read_standing(marker)
    if standing is not None and (standing.generation != generation or standing.state == "aborted"):
        standing = None  # what is made after it was aborted begins at the first step
    canary = Canary(rollout.canary_steps, standing)
    return canary if canary.step is not None else None


def read_standing(marker: Marker | None) -> Standing | None:
    """What a marker says; None where it says nothing that can be understood (it is hostile input)."""
    if marker is None:
        return None
    try:
        value = read_object(marker.value)
        generation, index, state, by = value["generation"], value["index"], value["state"], value.get("by")
        since = read_number(value["since"])
    except (ValueError, KeyError, TypeError):
        return None
    if not isinstance(generation, str) or isinstance(index, bool) or not isinstance(index, int):
        return None
    known = _STATES.get(state) if isinstance(state, str) else None
    if known is None or not 0 <= index <= len(_STATES) * 100:
        return None
    return Standing(generation, index, since, known, by if isinstance(by, str) else "")


def write_standing(standing: Standing) -> str:
    """The value of the marker."""
    value = {
        "generation": standing.generation,
        "index": standing.index,
        "since": standing.since,
        "state": standing.state,
        "by": standing.by,
    }
    return json.dumps(value, sort_keys=True, separators=(",", ":"))

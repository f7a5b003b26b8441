"""The live instances of a service, sorted by what is to become of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.difference import Diff
from reconciler.drift import is_mendable, live_diffs
from reconciler.drift_rules import sift
from reconciler.observed import Instance, Phase
from reconciler.steps import Steps
from reconciler.target import Target
from reconciler.view import ServiceView

_GONE = (Phase.REMOVING, Phase.DEAD)


@dataclass(slots=True)
class Sorting:
    """The live instances of a service, sorted by what is to become of them."""

    current: list[Instance] = field(default_factory=list)
    old: list[Instance] = field(default_factory=list)
    diffs: dict[str, tuple[Diff, ...]] = field(default_factory=dict)
    """By instance id, of instances of the target that drifted."""
    left_alone: dict[str, frozenset[str]] = field(default_factory=dict)
    """By instance id, the paths whose differences a drift rule leaves alone."""
    drifted: set[str] = field(default_factory=set)


def sort_live(steps: Steps, target: Target, view: ServiceView) -> Sorting:
    """By generation, and by what drifted and can be mended in place."""
    sorting, traits = Sorting(), steps.observed.traits
    for instance in view.live:
        if instance.phase in _GONE:
            continue
        if not target.is_generation_of(instance):
            sorting.old.append(instance)
            continue
        diffs, ignored = sift(live_diffs(instance, target), target.service, steps.now)
        if ignored:
            sorting.left_alone[instance.handle.id] = frozenset(diff.path for diff, _ in ignored)
        if diffs:
            sorting.diffs[instance.handle.id] = diffs
        if all(is_mendable(diff, traits) for diff in diffs):
            sorting.current.append(instance)
        else:
            sorting.drifted.add(instance.handle.id)
            sorting.old.append(instance)
    return sorting

"""The live instances of a service, sorted by what is to become of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.difference import Diff
from reconciler.drift import is_mendable, live_diffs, without_ignored
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
    drifted: set[str] = field(default_factory=set)


def sort_live(steps: Steps, target: Target, view: ServiceView, today: str) -> Sorting:
    """By generation, and by what drifted and can be mended in place."""
    sorting, traits = Sorting(), steps.observed.traits
    rules = target.service.form.spec.drift.ignore
    for instance in view.live:
        if instance.phase in _GONE:
            continue
        if not target.is_generation_of(instance):
            sorting.old.append(instance)
            continue
        diffs = live_diffs(instance, target)
        if diffs and rules:
            diffs = without_ignored(diffs, rules, today)
        if diffs:
            sorting.diffs[instance.handle.id] = diffs
        if all(is_mendable(diff, traits) for diff in diffs):
            sorting.current.append(instance)
        else:
            sorting.drifted.add(instance.handle.id)
            sorting.old.append(instance)
    return sorting

"""Who gets requests, by the strategy of a rollout: a weight for each instance. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from reconciler.canary import Canary
from reconciler.observed import Instance
from reconciler.proxy_reach import is_routed
from reconciler.readiness import answers, is_ready, serves
from reconciler.traffic import SLOTS, short_id
from specs.rollout import Strategy
from specs.service import Service


@dataclass(frozen=True, slots=True)
class Scene:
    """The running instances of a routed service. ``current`` are of the generation that it is brought to,
    ``old`` are all others; none of them is about to be stopped."""

    spec: Service
    current: tuple[Instance, ...]
    old: tuple[Instance, ...]
    leading: Collection[str]
    """Short ids that slots lead to now."""
    replicas: int
    is_rollback: bool
    proved: bool
    now: float
    canary: Canary | None = None

    @property
    def ready(self) -> list[Instance]:
        """Those of the target that may have requests: through the gate, or let in before and serving."""
        return [i for i in self.current if self._may_enter(i)]

    def _may_enter(self, instance: Instance) -> bool:
        let_in = short_id(instance.handle) in self.leading
        return _may_stay(instance) if let_in else is_ready(instance, self.spec, self.now)


def weigh(scene: Scene) -> Mapping[str, int]:
    """Short id -> weight. Empty: nobody can serve."""
    ready, old = scene.ready, _remaining(scene)
    if scene.is_rollback and ready:
        return _equal(ready)  # what failed gets nothing as soon as something else is there
    strategy: Strategy = scene.spec.rollout.strategy
    if strategy == "blue-green" and scene.old and len(ready) >= scene.replicas:
        return _equal(ready)
    if strategy == "blue-green" and old and not scene.proved:
        return _equal(old)
    if scene.canary is not None and old and ready:
        # None gets more than its part of all requests, however few of the new ones are there yet.
        fair = SLOTS * len(ready) // max(1, scene.replicas)
        return _split(ready, old, min(scene.canary.weight, fair))
    return _equal([*ready, *old]) or _equal(_limping(scene))


def _remaining(scene: Scene) -> list[Instance]:
    """The old ones that keep their requests. One that has none any more drains, and what came after it is
    newer: it gets some again only when nobody else serves."""
    old = [i for i in scene.old if _may_stay(i)]
    is_beside = scene.spec.rollout.strategy == "blue-green" and not scene.proved
    if is_beside or scene.canary is not None:
        return old  # none of them is to go yet: the way back stays open
    return [i for i in old if short_id(i.handle) in scene.leading] or ([] if scene.ready else old)


def _may_stay(instance: Instance) -> bool:
    return serves(instance) and answers(instance)


def _limping(scene: Scene) -> list[Instance]:
    """Nobody is ready. Who had requests keeps them while it runs: an instance that is unwell may still
    answer, an empty table never does. One from before the route had them without a table."""
    running = (*scene.current, *scene.old)
    return [i for i in running if short_id(i.handle) in scene.leading or not is_routed(i)]


def _equal(instances: Collection[Instance]) -> dict[str, int]:
    return {short_id(instance.handle): 1 for instance in instances}


def _split(new: Collection[Instance], old: Collection[Instance], percent: int) -> dict[str, int]:
    """The new ones together get ``percent`` of the slots, the old ones the rest."""
    weights = {short_id(i.handle): (SLOTS - percent) * len(new) for i in old}
    return weights | {short_id(i.handle): percent * len(old) for i in new}

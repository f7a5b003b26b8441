"""The pure plan of many services that have settled, in this process."""

from __future__ import annotations

import time
from dataclasses import replace

from reconciler.actions import CreateInstance
from reconciler.desired import Desired
from reconciler.forecast import predict
from reconciler.observed import Health, LiveImage, Marker, Observed, Traits
from reconciler.plan import plan
from sketches import Sketch, desired
from specs.reference import Digest

_DIGEST = Digest(f"sha256:{'a' * 64}")


def seconds_to_plan(size: int, times: int = 7) -> float:
    """The fastest of ``times`` plans of ``size`` settled services."""
    wanted = desired(*(Sketch(f"s{n}", image="redis:7") for n in range(size)))
    world = settle(wanted)
    assert plan(wanted, world, world.at).settled
    return min(_time(wanted, world) for _ in range(times))


def _time(wanted: Desired, world: Observed) -> float:
    began = time.perf_counter()
    plan(wanted, world, world.at)
    return time.perf_counter() - began


def settle(wanted: Desired) -> Observed:
    """Settle without the quadratic cost of predicting one action after the other."""
    ref = next(iter(wanted.services.values())).image.ref
    world = Observed(
        at=1000.0,
        artifacts={str(ref): _DIGEST},
        present={str(ref.with_digest(_DIGEST)): LiveImage()},
        traits=Traits(("deploy.resources.", "restart")),
    )
    for action in plan(wanted, world, world.at).actions:
        world = predict(world, action)
    created = [a for a in plan(wanted, world, world.at).actions if isinstance(a, CreateInstance)]
    made = [predict(replace(world, instances=()), action).instances[0] for action in created]
    well = tuple(replace(i, health=Health.HEALTHY, healthy_since=i.created_at) for i in made)
    world = replace(world, at=2000.0, instances=well)
    proofs = plan(wanted, world, world.at).actions
    markers = [m for action in proofs for m in predict(replace(world, markers=()), action).markers]
    return replace(world, markers=tuple[Marker, ...](markers))


if __name__ == "__main__":
    for count in (1_000, 10_000):
        print(f"pure plan of {count} settled services: {seconds_to_plan(count):.3f} s")

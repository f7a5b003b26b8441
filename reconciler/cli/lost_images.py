"""What could not be had back: told while what runs is still well."""

from __future__ import annotations

from reconciler.cli.envelope import warning
from reconciler.desired import Desired
from reconciler.observed import Observed
from reconciler.render import shorten
from specs.problem import Problem


def lost_images(desired: Desired, observed: Observed) -> tuple[Problem, ...]:
    """A warning for each service whose proved release has no image any more, here or in a registry."""
    lost = sorted(observed.storage.lost.items())
    return tuple(_lost(name, image) for name, image in lost if name not in desired.excluded)


def _lost(service_name: str, image: str) -> Problem:
    seen = f"{shorten(image)}, which proved itself, is neither on the engine nor in its registry any more"
    remedy = "push it again, or build it from its commit: until then there is no going back to it"
    return warning("PLAN027", f"Service {service_name}", seen, remedy)

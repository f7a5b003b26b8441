"""The services that ``--service`` names, of an environment."""

from __future__ import annotations

from dataclasses import replace

from reconciler.cli.envelope import Stop, failure
from reconciler.cli.exits import ERROR
from reconciler.cli.options import Options
from reconciler.desired import Desired
from specs.proxy import PROXIES
from specs.suggest import did_you_mean


def select_services(desired: Desired, options: Options) -> Desired:
    """Only the services of ``--service`` and the images that they need; the others are left alone."""
    if not options.services:
        return desired
    for name in options.services:
        if name not in desired.services:
            seen = f"there is no service {name} in this environment"
            remedy = did_you_mean(name, desired.services)
            raise Stop(ERROR, (failure("CLI005", "--service", seen, remedy=remedy),), desired.owner)
    # The proxies are part of every choice: without them what has a route is not reached.
    named = {*options.services, *(name for name in PROXIES if name in desired.services)}
    chosen = {name: desired.services[name] for name in sorted(named)}
    needed = {service.image.image_name for service in chosen.values()}
    while True:
        parents = {p for name in needed if name for p in desired.images[name].builds_on}
        if parents <= needed:
            break
        needed |= parents
    return replace(
        desired,
        services=chosen,
        images={name: image for name, image in desired.images.items() if name in needed},
        excluded=desired.excluded | (desired.services.keys() - chosen.keys()),
    )

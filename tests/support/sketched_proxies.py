"""The proxies of a sketched environment, as the effective specs gain them with a route."""

from __future__ import annotations

from dataclasses import replace

from reconciler.desired import Desired, DesiredNetwork, DesiredService, DesiredVolume, WantedImage
from reconciler.form import make_form
from reconciler.ownership import network_name, volume_name
from reconciler.routing import attach_proxy, desired_proxy
from specs.effective import Effective
from specs.environment import Environment
from specs.order import max_unavailable_of, order_of
from specs.proxied import proxy_services
from specs.proxy import OWN, Proxy
from specs.reference import ImageRef

PROXY = Proxy(https="none")


def with_proxies(wanted: Desired) -> Desired:
    """With the services of the proxies, where there are routes."""
    specs = {name: service.form.spec for name, service in wanted.services.items()}
    added = proxy_services(PROXY, specs)
    if not added:
        return wanted
    networks = {**wanted.networks, OWN: DesiredNetwork(OWN, network_name(wanted.owner, OWN, "{}"))}
    volumes = {**wanted.volumes, OWN: DesiredVolume(OWN, volume_name(wanted.owner, OWN))}
    proxies = {}
    for name, spec in added.items():
        form = make_form(wanted.owner, name, spec, {}, networks, volumes)
        form = attach_proxy(name, form, specs, networks)
        image = WantedImage(PROXY.image, None, ImageRef.parse(PROXY.image))
        order = order_of(spec)
        proxies[name] = DesiredService(name, form, image, "", order, max_unavailable_of(spec), 1)
    effective = Effective("dev", Environment(project="shop", proxy=PROXY), {**specs, **added})
    return replace(
        wanted,
        services={**wanted.services, **proxies},
        networks=networks,
        volumes=volumes,
        proxy=desired_proxy(effective, networks, {}),
    )

"""What the proxies of an environment are to do, from its effective specs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.desired import Desired, DesiredNetwork, NetworkUse, ServiceForm
from reconciler.form import DEFAULT_NETWORK
from reconciler.traffic import DesiredProxy, DesiredRoute
from specs.effective import Effective
from specs.privilege import Attachment
from specs.proxied import names_of
from specs.proxy import INNER, PROXIES, Proxy, secrets_of
from specs.service import Service


def certificate_secrets(proxy: Proxy) -> tuple[str, ...]:
    """The names of the secrets that hold certificates."""
    return tuple(sorted({name for it in proxy.certificates for name in secrets_of(it)}))


def desired_proxy(
    effective: Effective, networks: Mapping[str, DesiredNetwork], digests: Mapping[str, str | None]
) -> DesiredProxy | None:
    """What both are to do; None where there is no route. ``digests``: of the values of secrets."""
    if not any(name in effective.services for name in PROXIES):
        return None
    routes = tuple(
        DesiredRoute(name, service.route, _names(name, service, networks))
        for name, service in sorted(effective.services.items())
        if service.route is not None
    )
    settings = effective.environment.proxy
    known = {name: digests.get(name) for name in certificate_secrets(settings)}
    return DesiredProxy(settings, routes, {name: digest for name, digest in known.items() if digest})


def _names(name: str, service: Service, networks: Mapping[str, DesiredNetwork]) -> dict[str, tuple[str, ...]]:
    return {
        networks[network].object_name: tuple(sorted({name, *attachment.aliases}))
        for network, attachment in (service.networks or {DEFAULT_NETWORK: Attachment()}).items()
    }


def attach_proxy(
    service_name: str,
    form: ServiceForm,
    services: Mapping[str, Service],
    networks: Mapping[str, DesiredNetwork],
) -> ServiceForm:
    """The form of a proxy with the networks of routed services, which it joins once it has its work: they
    are no part of what it is, so that another network replaces no edge."""
    if service_name not in PROXIES:
        return form
    routed = {name: service for name, service in services.items() if service.route is not None}
    uses = [
        NetworkUse(
            network,
            networks[network].object_name,
            (service_name, *names) if service_name == INNER else (service_name,),
            networks[network].external,
        )
        for network, names in names_of(routed).items()
        if network in networks
    ]
    return replace(form, networks=(*form.networks, *uses))


def follow_routes(service_name: str, form: ServiceForm, desired: Desired) -> ServiceForm:
    """The form of a proxy of the past, with the networks that it joins today."""
    today = desired.services.get(service_name)
    if service_name not in PROXIES or today is None:
        return form
    own = {use.name for use in form.networks}
    return replace(form, networks=(*form.networks, *(u for u in today.form.networks if u.name not in own)))

"""Proxies reach instances over networks that both are on: who joins, stays, may have requests. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reconciler.canonical import decode_canonical
from reconciler.desired import Json, NetworkUse
from reconciler.observed import Instance, Phase
from reconciler.recent import Recent
from reconciler.steps import Steps
from reconciler.traffic import INNER, Probe, short_id
from reconciler.view import ServiceView
from specs.proxied import BASE
from specs.proxy import PROXIES

_UNREACHED = Probe(said="not every proxy is on a network with it yet", unasked=True, is_apart=True)
_UNPLACED = Probe(said="it is not on all its networks yet", unasked=True)


def place(steps: Steps, service_name: str, view: ServiceView) -> ServiceView:
    """The view, in which no instance passes for ready that some proxy cannot reach, and no proxy beside an
    older one that its neighbours cannot reach."""
    if steps.desired.proxy is None:
        return view
    if service_name in PROXIES:
        waits = len(view.live) > 1
        return replace(view, live=tuple(_of_proxy(steps, i, service_name) if waits else i for i in view.live))
    if steps.desired.proxy.route_of(service_name) is None:
        return view
    leading = steps.observed.traffic.slots_of(service_name)
    return replace(
        view,
        live=tuple(
            i if short_id(i.handle) in leading or is_reached(steps, i) else replace(i, probe=_UNREACHED)
            for i in view.live
        ),
    )


def _of_proxy(steps: Steps, instance: Instance, service_name: str) -> Instance:
    today = steps.desired.services.get(service_name)
    uses = (*(today.form.networks if today else ()), *needed_networks(steps, instance))
    is_placed = all(use.object_name in instance.networks for use in uses)
    return instance if is_placed else replace(instance, probe=_UNPLACED)


def is_reached(steps: Steps, instance: Instance) -> bool:
    """Whether every proxy that requests come through shares a network with it."""
    return all(any(n in proxy.networks for n in instance.networks) for proxy in _at_work(steps))


def _at_work(steps: Steps) -> Iterator[Instance]:
    """One that is on no network of its neighbours receives nothing yet."""
    own = _own_network(steps)
    for name in PROXIES:
        for proxy in steps.views.of(name).live:
            if proxy.phase is Phase.RUNNING and any(network != own for network in proxy.networks):
                yield proxy


def _own_network(steps: Steps) -> str:
    network = steps.desired.networks.get(BASE)
    return network.object_name if network is not None else ""


def needed_networks(steps: Steps, proxy: Instance) -> tuple[NetworkUse, ...]:
    """The networks beyond its own on which instances run that requests are led to: until they are gone, it
    reaches them there, and under their names it is reached there."""
    found: dict[str, set[str]] = {}
    own = {_own_network(steps)}
    for name, instance in _routed(steps):
        for network in instance.networks:
            if network not in own and (network in steps.networks or network in proxy.networks):
                found.setdefault(network, set()).add(name)
    return tuple(
        NetworkUse(
            network,
            network,
            (proxy.service_name, *(sorted(names) if proxy.service_name == INNER else ())),
            network not in steps.networks,
        )
        for network, names in sorted(found.items())
    )


def _routed(steps: Steps) -> Iterator[tuple[str, Instance]]:
    """Live instances that run of services that are routed today."""
    proxy = steps.desired.proxy
    for route in proxy.routes if proxy is not None else ():
        for instance in steps.views.of(route.service_name).live:
            if instance.phase is Phase.RUNNING:
                yield route.service_name, instance


def may_leave(
    steps: Steps, service_name: str, instance: Instance, network: str, wanted: frozenset[str]
) -> bool:
    """Whether an instance can go from a network to those that are wanted, and no proxy loses it."""
    proxy = steps.desired.proxy
    if proxy is None or proxy.route_of(service_name) is None or instance.phase is not Phase.RUNNING:
        return True
    staying = wanted & frozenset(instance.networks)
    return all(
        network not in proxy.networks or any(n in staying for n in proxy.networks)
        for proxy in _at_work(steps)
    )


def has_left_its_name(steps: Steps, instance: Instance) -> bool:
    """Whether neighbours find an instance from before the route by other ways, too: the inner proxy is on all
    networks on which it bears the name of the service."""
    if is_routed(instance) or INNER not in steps.desired.services:
        return True
    inner = [i for i in steps.views.of(INNER).live if i.phase is Phase.RUNNING]
    own = [network for network in instance.networks if network in steps.networks]
    return any(all(network in proxy.networks for network in own) for proxy in inner)


def is_revivable(instance: Instance) -> bool:
    """Whether it can be started again where it is. The engine gives out the names of a proxy the moment it
    starts, and it answers later: it is made anew, and joins its neighbours when it answers."""
    return instance.service_name not in PROXIES


def is_routed(instance: Instance) -> bool:
    """Whether it was made to be reached through the proxies."""
    return applied_route(instance.applied or "") is not None


def _read_route(canonical: str) -> dict[str, Json] | None:
    try:
        service = decode_canonical(canonical)["service"]
    except ValueError:
        return None
    route = service.get("route") if isinstance(service, dict) else None
    return route if isinstance(route, dict) else None


_RECENT = Recent(_read_route)


def applied_route(canonical: str) -> dict[str, Json] | None:
    """The route of a canonical service; None where there is none, or nothing that can be read."""
    return _RECENT.ask(canonical)


def port_of(instance: Instance, port: int, *, is_current: bool) -> int:
    """The port that an instance listens on. ``port``: what git says now, which counts for what git describes;
    an older one listens where it was told to when it was made."""
    told = (applied_route(instance.applied or "") or {}).get("port")
    return port if is_current or isinstance(told, bool) or not isinstance(told, int) else told

"""What routes say, checked against one another and against the rest of their services."""

from __future__ import annotations

from specs.catalog import Catalog
from specs.check_service import any_address
from specs.order import order_of
from specs.problem import Place, Report
from specs.proxy import OWN, PROXIES, Proxy
from specs.route import Route
from specs.service import Service
from specs.suggest import shown


def check_routes(catalog: Catalog, report: Report) -> None:
    """Routes that can never work, two services for one address, names that the proxies need."""
    taken: dict[tuple[str, str], tuple[str, Place]] = {}
    routed = {name: service for name, service in catalog.services.items() if service.route is not None}
    for name, service in catalog.services.items():
        own = report.about(f"Service {name}")
        _check_strategy(name, service, catalog, own)
        if service.route is not None:
            _check_service(name, service, catalog, own)
            _check_addresses(name, service.route, taken, catalog, own)
    if routed:
        _check_names(catalog, report)


def check_published(catalog: Catalog, proxy: Proxy, report: Report) -> None:
    """A host port of a service on which the proxy listens."""
    if not any(service.route and service.route.all_hosts for service in catalog.services.values()):
        return
    wanted = {proxy.http: "http"} | ({} if proxy.https == "none" else {proxy.https: "https"})
    here = any_address(proxy.address)
    for name, service in catalog.services.items():
        for key, port in service.ports.items():
            there = any_address(port.host_ip)
            if port.published not in wanted or port.protocol != "tcp" or (here and there and here != there):
                continue
            place = catalog.key_place("Service", name, "ports", key)
            seen = f"host port {port.published} is published twice"
            remedy = f"the proxy of routed services listens there: proxy.{wanted[port.published]}"
            report.about(f"Service {name}").add("SPEC030", place, seen, remedy=remedy)


def _check_service(name: str, service: Service, catalog: Catalog, report: Report) -> None:
    place = catalog.place("Service", name, "route")
    if service.is_job:
        report.add("SPEC041", place, "a job with a route", remedy="take the route out")
    if service.network_mode is not None:
        seen = f"a route with network_mode {service.network_mode}"
        report.add("SPEC041", place, seen, remedy="join a network, where the proxy can reach it")


def _check_strategy(name: str, service: Service, catalog: Catalog, report: Report) -> None:
    place = catalog.place("Service", name, "rollout", "strategy")
    strategy = service.rollout.strategy
    if strategy == "canary" and service.route is None:
        report.add("SPEC041", place, "strategy canary without a route", remedy="write a route, or rolling")
    if strategy in ("canary", "blue-green") and order_of(service) == "stop-first":
        seen = f"strategy {strategy} where the old one must stop first"
        remedy = "write rolling or recreate; or order: start-first, when two instances may be there at once"
        report.add("SPEC028", place, seen, remedy=remedy)
    if strategy == "recreate" and service.rollout.order == "start-first":
        report.add("SPEC028", place, "strategy recreate with order start-first", remedy="take one out")


def _check_addresses(
    name: str,
    route: Route,
    taken: dict[tuple[str, str], tuple[str, Place]],
    catalog: Catalog,
    report: Report,
) -> None:
    place = catalog.place("Service", name, "route")
    for host in route.all_hosts:
        other = taken.setdefault((host, route.path.lower()), (name, place))
        if other[0] != name:
            where = f"{other[0]} has it at {other[1].file}:{other[1].line}"
            report.add("SPEC040", place, f"{shown(host + route.path)} is routed twice", remedy=where)


def _check_names(catalog: Catalog, report: Report) -> None:
    reserved = [*(("Service", name) for name in PROXIES), ("Network", OWN), ("Volume", OWN)]
    for kind, name in reserved:
        if (kind, name) in catalog.nodes:
            seen = f"{kind} {name}, which the proxy of routed services is called"
            place = catalog.nodes[kind, name].place
            report.about(f"{kind} {name}").add("SPEC041", place, seen, remedy="give it another name")

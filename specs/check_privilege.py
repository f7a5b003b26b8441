"""What services say of namespaces, addresses and mount options, checked against the other documents."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from specs.catalog import Catalog
from specs.circle import find_circle
from specs.order import order_of
from specs.privilege import Attachment, joined_service, joined_services
from specs.problem import Report
from specs.resource import Network
from specs.service import Service
from specs.suggest import nearest, shown

_OPTIONS = {"volume": "volume", "bind": "bind", "tmpfs": "tmpfs"}
_OF_ITS_OWN = ("ports", "hostname", "domainname", "extra_hosts", "dns", "dns_opt", "dns_search")
"""Words about a network that a service which joins another's does not have."""


def check_privileges(catalog: Catalog, report: Report) -> None:
    """Namespaces, static addresses and mount options of all services."""
    for name, service in catalog.services.items():
        own = report.about(f"Service {name}")
        _check_network_mode(name, service, catalog, own)
        _check_joins(name, service, catalog, own)
        _check_addresses(name, service, catalog, own)
        _check_options(name, service, catalog, own)
        if service.uts == "host" and service.hostname is not None:
            place = catalog.place("Service", name, "hostname")
            own.add("SPEC015", place, "hostname together with uts: host", remedy="remove one of them")
    _check_join_circle(catalog, report)
    _check_address_twice(catalog, report)


def _check_network_mode(name: str, service: Service, catalog: Catalog, report: Report) -> None:
    mode = service.network_mode
    if mode is None:
        return
    place = catalog.place("Service", name, "network_mode")
    if service.networks:
        remedy = "remove one of them"
        report.add("SPEC015", place, f"network_mode {mode} together with networks", remedy=remedy)
    if any(port.published is not None for port in service.ports.values()):
        ports = catalog.place("Service", name, "ports")
        target = joined_service(mode)
        remedy = f"publish it at Service {target}" if target else "remove ports"
        report.add("SPEC015", ports, f"a published port with network_mode {mode}", remedy=remedy)
    elif joined_service(mode):
        for word in _OF_ITS_OWN:
            if getattr(service, word):
                seen = f"{word} with network_mode {mode}, which shares that service's"
                remedy = f"write it at Service {joined_service(mode)}, or remove it"
                report.add("SPEC015", catalog.place("Service", name, word), seen, remedy=remedy)


def _check_joins(name: str, service: Service, catalog: Catalog, report: Report) -> None:
    for word, other in joined_services(service).items():
        place = catalog.place("Service", name, word)
        target = catalog.services.get(other)
        if other not in catalog.declared["Service"]:
            hint = nearest(other, catalog.declared["Service"])
            remedy = f'did you mean "service:{hint}"?' if hint else "write a document of kind Service"
            report.add("SPEC023", place, f"Service {shown(other)} is not declared", remedy=remedy)
        elif ("Service", other) not in catalog.nodes:
            remedy = "include it, or join another"
            report.add("SPEC025", place, f"{word} joins {shown(other)}, which is left out", remedy=remedy)
        elif target is not None and target.deploy.replicas != 1:
            seen = f"{word} joins {shown(other)}, which has {target.deploy.replicas} replicas"
            report.add("SPEC015", place, seen, expected="a service of one replica")
        elif target is not None and target.is_job:
            seen = f"{word} joins {shown(other)}, a job, which ends"
            report.add("SPEC015", place, seen, expected="a service that runs on")
        elif word == "ipc" and target is not None and target.ipc != "shareable":
            remedy = f"write ipc: shareable in Service {other}"
            report.add("SPEC015", place, f"ipc joins {shown(other)}, which does not share it", remedy=remedy)


def _check_join_circle(catalog: Catalog, report: Report) -> None:
    edges = {
        name: [other for other in joined_services(service).values() if other in catalog.services]
        for name, service in catalog.services.items()
    }
    circle = find_circle(edges)
    if circle:
        first = circle[0]
        word = next(iter(joined_services(catalog.services[first])), "network_mode")
        seen = f"services join one another in a circle: {' -> '.join(circle)}"
        report.about(f"Service {first}").add(
            "SPEC024", catalog.place("Service", first, word), seen, remedy="take one of them out"
        )


def _check_addresses(name: str, service: Service, catalog: Catalog, report: Report) -> None:
    static = [network for network, attachment in service.networks.items() if attachment.is_static]
    if static and service.deploy.replicas > 1:
        place = catalog.key_place("Service", name, "networks", static[0])
        remedy = "remove the address, or write one replica"
        report.add("SPEC028", place, "a static address with more than one replica", remedy=remedy)
    if static and order_of(service) == "start-first":
        place = catalog.place("Service", name, "rollout", "order")
        remedy = "write order: stop-first, or remove the address"
        report.add("SPEC028", place, "start-first with a static address", remedy=remedy)
    for network_name in static:
        attachment = service.networks[network_name]
        network = catalog.networks.get(network_name, Network() if network_name == "default" else None)
        if network is None or network.external:
            continue
        for word, address in _addresses(attachment):
            place = catalog.place("Service", name, "networks", network_name, word)
            pools = network.pools
            if not any(ipaddress.ip_address(address) in ipaddress.ip_network(p.subnet) for p in pools):
                subnets = ", ".join(pool.subnet for pool in pools)
                seen = f"address {address} is in no subnet of Network {network_name}"
                remedy = f"it has {subnets}" if subnets else f"give Network {network_name} a subnet"
                report.add("SPEC015", place, seen, remedy=remedy)
            elif address in {pool.gateway for pool in pools}:
                seen = f"address {address} is the gateway of Network {network_name}"
                report.add("SPEC015", place, seen, remedy="write another address")


def _addresses(attachment: Attachment) -> Iterator[tuple[str, str]]:
    if attachment.ipv4_address is not None:
        yield "ipv4_address", attachment.ipv4_address
    if attachment.ipv6_address is not None:
        yield "ipv6_address", attachment.ipv6_address


def _check_address_twice(catalog: Catalog, report: Report) -> None:
    takers: dict[tuple[str, str], str] = {}
    for name, service in catalog.services.items():
        for network, attachment in service.networks.items():
            mac = [("mac_address", attachment.mac_address)] if attachment.mac_address else []
            for word, address in [*_addresses(attachment), *mac]:
                other = takers.setdefault((network, address), name)
                if other != name:
                    place = catalog.place("Service", name, "networks", network, word)
                    seen = f"address {address} is taken by Service {other}"
                    report.about(f"Service {name}").add(
                        "SPEC030", place, seen, remedy="write another address"
                    )


def _check_options(name: str, service: Service, catalog: Catalog, report: Report) -> None:
    for target, mount in service.volumes.items():
        for word, type_name in _OPTIONS.items():
            if getattr(mount, word) is not None and mount.type != type_name:
                place = catalog.place("Service", name, "volumes", target, word)
                seen = f"options under {word} of a mount of type {mount.type}"
                report.add("SPEC015", place, seen, remedy="remove them")

"""What the words about one container say, checked against one another."""

from __future__ import annotations

from collections.abc import Collection

from specs.catalog import Catalog
from specs.problem import Report
from specs.service import Service
from specs.suggest import shown


def check_words(catalog: Catalog, report: Report) -> None:
    """File systems in memory, swap and hosts of all services."""
    for name, service in catalog.services.items():
        own = report.about(f"Service {name}")
        _check_tmpfs(name, service, catalog, own)
        _check_swap(name, service, catalog, own)
        _check_sysctls(name, service, catalog, own)
        for host, addresses in service.extra_hosts.items():
            if not addresses:
                place = catalog.key_place("Service", name, "extra_hosts", host)
                own.add("SPEC015", place, f"{shown(host)} without an address", expected="at least one")


def _check_tmpfs(name: str, service: Service, catalog: Catalog, report: Report) -> None:
    others: dict[str, Collection[str]] = {
        "volumes": service.volumes,
        "configs": service.configs,
        "secrets": service.secrets,
    }
    for target in service.tmpfs:
        for field_name, uses in others.items():
            if target in uses:
                place = catalog.key_place("Service", name, "tmpfs", target)
                report.add(
                    "SPEC020", place, f"{shown(target)} is under {field_name} too", remedy="remove one"
                )


def _check_sysctls(name: str, service: Service, catalog: Catalog, report: Report) -> None:
    """Settings belong to a namespace; where that is shared, they are not the service's own."""
    for word, shared, prefixes in (
        ("network_mode", service.network_mode, ("net.",)),
        ("ipc", service.ipc, ("kernel.", "fs.")),
    ):
        if shared != "host" and not (shared or "").startswith("service:"):
            continue
        for setting in service.sysctls:
            if setting.startswith(prefixes):
                place = catalog.key_place("Service", name, "sysctls", setting)
                remedy = "set it on the host" if shared == "host" else "write it at that service"
                report.add("SPEC015", place, f"sysctls {setting} with {word} {shared}", remedy=remedy)


def _check_swap(name: str, service: Service, catalog: Catalog, report: Report) -> None:
    swap, memory = service.memswap_limit, service.deploy.resources.limits.memory
    if swap is None:
        return
    place = catalog.place("Service", name, "memswap_limit")
    if memory is None:
        remedy = "write deploy.resources.limits.memory too"
        report.add("SPEC015", place, "a limit of swap without one of memory", remedy=remedy)
    elif swap < memory:
        expected = "memory and swap together: at least deploy.resources.limits.memory"
        report.add("SPEC015", place, "less than the limit of memory", expected=expected)

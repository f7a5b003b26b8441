"""What one service says, checked against the other documents and against itself."""

from __future__ import annotations

from typing import Final

from specs.catalog import Catalog
from specs.check_drift import check_drift_rules
from specs.check_privilege import check_privileges
from specs.check_words import check_words
from specs.circle import find_circle
from specs.hook import Hooks
from specs.mounts import check_source
from specs.order import max_unavailable_of, order_of, publishes
from specs.ports import is_address, port_key
from specs.problem import Place, Report
from specs.reference import ImageRef, InvalidReference
from specs.service import Service
from specs.suggest import nearest, shown

_SEPARATORS: Final = ("/", ":", "@")


def check_services(catalog: Catalog, report: Report) -> None:
    """References, dependencies, ports, mounts and orders of all services."""
    for name, service in catalog.services.items():
        own = report.about(f"Service {name}")
        check_image(name, service.image, catalog, own)
        _check_names(name, service, catalog, own)
        _check_dependencies(name, service, catalog, own)
        _check_ports(name, service, catalog, own)
        _check_mounts(name, service, catalog, own)
        _check_order(name, service, catalog, own)
        _check_job(name, service, catalog, own)
    for name, service in catalog.salvaged.items():
        own = report.about(f"Service {name}")
        check_image(name, service.image, catalog, own)
        _check_names(name, service, catalog, own)
    _check_circle(catalog, report)
    check_privileges(catalog, report)
    check_words(catalog, report)
    check_drift_rules(catalog, report)


def is_image_name(image: str) -> bool:
    """Whether ``image`` of a service names an Image document; else it is a reference."""
    return not any(separator in image for separator in _SEPARATORS)


def check_image(name: str, image: str, catalog: Catalog, report: Report) -> None:
    """A name is an Image of ours; anything with ``/``, ``:`` or ``@`` is a public reference."""
    place = catalog.place("Service", name, "image")
    declared = catalog.declared["Image"]
    if is_image_name(image):
        if image not in declared:
            found = None if report.is_full else nearest(image, declared)
            hints = [f'did you mean "{found}"?'] if found else []
            hints.append(
                f"a public image has a tag: {image if image.isascii() else 'NAME'}:TAG, as in redis:7"
            )
            report.add("SPEC023", place, f"image {shown(image)} is not declared", remedy=" ".join(hints))
        return
    try:
        ref = ImageRef.parse(image)
    except InvalidReference as error:
        report.add("SPEC038", place, "an image reference that cannot be read", expected=str(error))
        return
    own_name = image.split("@")[0].split(":")[0]
    if own_name in declared:
        remedy = f"write {own_name}, or docker.io/library/{own_name} for the public one"
        report.add(
            "SPEC038",
            place,
            f"a tag or digest on {shown(own_name)}, an Image of this repository",
            remedy=remedy,
        )
    elif ref.tag is None and ref.digest is None:
        report.add(
            "SPEC038", place, "an image reference without tag or digest", remedy="add the tag that you want"
        )


def report_undeclared(kind: str, name: str, place: Place, catalog: Catalog, report: Report) -> None:
    """A name that no document has."""
    found = None if report.is_full else nearest(name, catalog.declared[kind])
    remedy = f'did you mean "{found}"?' if found else f"write a document of kind {kind}"
    report.add("SPEC023", place, f"{kind} {shown(name)} is not declared", remedy=remedy)


def _check_names(name: str, service: Service, catalog: Catalog, report: Report) -> None:
    uses: list[tuple[str, str, Place]] = []
    for network in service.networks:
        if network != "default":
            uses.append(("Network", network, catalog.key_place("Service", name, "networks", network)))
    for target, mount in service.volumes.items():
        if mount.type == "volume" and mount.source:
            uses.append(("Volume", mount.source, catalog.place("Service", name, "volumes", target, "source")))
    for target, config in service.configs.items():
        uses.append(("Config", config.source, catalog.place("Service", name, "configs", target, "source")))
    for target, secret in service.secrets.items():
        uses.append(("Secret", secret.source, catalog.place("Service", name, "secrets", target, "source")))
    for other in service.depends_on:
        uses.append(("Service", other, catalog.key_place("Service", name, "depends_on", other)))
    for kind, used, place in uses:
        if used not in catalog.declared[kind]:
            report_undeclared(kind, used, place, catalog, report)


def _check_dependencies(name: str, service: Service, catalog: Catalog, report: Report) -> None:
    for other, dependency in service.depends_on.items():
        place = catalog.key_place("Service", name, "depends_on", other)
        target = catalog.services.get(other)
        if target is None:
            continue
        if dependency.condition == "service_completed_successfully" and not target.is_job:
            remedy = f'give {other} restart: "no", which makes it a job'
            report.add(
                "SPEC027", place, f"waits for {shown(other)} to complete, which is no job", remedy=remedy
            )
        elif dependency.condition == "service_healthy":
            _check_healthy(other, target, place, report)


def _check_healthy(other: str, target: Service, place: Place, report: Report) -> None:
    check = target.healthcheck
    if check and check.disable:
        remedy = f"give {other} a healthcheck, or wait for service_started"
        report.add(
            "SPEC027",
            place,
            f"waits for {shown(other)} to be healthy, whose healthcheck is off",
            remedy=remedy,
        )
    elif check is None or check.test is None:
        seen = f"waits for {shown(other)} to be healthy, which has no healthcheck here"
        remedy = "its image must bring a HEALTHCHECK, else it is never healthy"
        report.add("SPEC027", place, seen, remedy=remedy, severity="warning")


def _check_circle(catalog: Catalog, report: Report) -> None:
    edges = {name: list(service.depends_on) for name, service in catalog.services.items()}
    circle = find_circle(edges)
    if circle:
        place = catalog.key_place("Service", circle[0], "depends_on", circle[1])
        seen = f"depends_on goes in a circle: {' -> '.join(circle)}"
        report.about(f"Service {circle[0]}").add("SPEC024", place, seen, remedy="take one of them out")


def _check_ports(name: str, service: Service, catalog: Catalog, report: Report) -> None:
    for key, port in service.ports.items():
        place = catalog.key_place("Service", name, "ports", key)
        if port.host_ip is not None and not is_address(port.host_ip):
            report.add("SPEC015", place, "host_ip is no address", expected="an address such as 127.0.0.1")
        elif key != port_key(port.target, port.published, port.host_ip, port.protocol):
            expected = port_key(port.target, port.published, port.host_ip, port.protocol)
            report.add("SPEC015", place, "the key does not say what the port says", expected=shown(expected))


def _check_mounts(name: str, service: Service, catalog: Catalog, report: Report) -> None:
    for target, mount in service.volumes.items():
        place = catalog.place("Service", name, "volumes", target)
        needs_source = mount.type in ("volume", "bind")
        if needs_source != (mount.source is not None):
            expected = "a source" if needs_source else "no source"
            report.add("SPEC015", place, f"a mount of type {mount.type}", expected=expected)
        elif mount.source is not None:
            _check_source(mount.type, mount.source, place, report)


def _check_source(type_name: str, source: str, place: Place, report: Report) -> None:
    if check_source(source, place, report) and (type_name == "bind") != source.startswith("/"):
        expected = "an absolute host path" if type_name == "bind" else "the name of a Volume"
        report.add("SPEC015", place, f"the source of a mount of type {type_name}", expected=expected)


def _check_order(name: str, service: Service, catalog: Catalog, report: Report) -> None:
    order = order_of(service)
    place = catalog.place("Service", name, "rollout", "order")
    if publishes(service):
        ports = catalog.place("Service", name, "ports")
        if service.deploy.replicas > 1:
            remedy = "publish no port, or write one replica"
            report.add("SPEC028", ports, "a fixed host port with more than one replica", remedy=remedy)
        if order == "start-first":
            remedy = "write order: stop-first, or publish no port"
            report.add("SPEC028", place, "start-first with a fixed host port", remedy=remedy)
    if order == "stop-first" and max_unavailable_of(service) == 0 and not service.is_job:
        place = catalog.place("Service", name, "rollout", "max_unavailable")
        report.add("SPEC028", place, "max_unavailable 0 with stop-first", expected="at least 1")


def _check_job(name: str, service: Service, catalog: Catalog, report: Report) -> None:
    if not service.is_job:
        return
    if service.deploy.replicas != 1:
        place = catalog.place("Service", name, "deploy", "replicas")
        report.add("SPEC029", place, f"a job with {service.deploy.replicas} replicas", expected="one")
    if service.rollout.order is not None:
        place = catalog.place("Service", name, "rollout", "order")
        report.add("SPEC029", place, "a job with a rollout order", remedy="remove the line")
    if service.hooks != Hooks():
        place = catalog.place("Service", name, "hooks")
        report.add("SPEC029", place, "a job with hooks", remedy="remove them: a job runs once by itself")


def published_twice(catalog: Catalog, report: Report) -> None:
    """A host port that two services of one environment want; "all addresses" overlaps with every other."""
    takers: dict[tuple[int, str], dict[str, tuple[str, Place]]] = {}
    for name, service in catalog.services.items():
        for key, port in service.ports.items():
            if port.published is None:
                continue
            ip = any_address(port.host_ip)
            others = takers.setdefault((port.published, port.protocol), {})
            taker = (
                others.get(ip) or others.get("") or (next(iter(others.values()), None) if not ip else None)
            )
            place = catalog.key_place("Service", name, "ports", key)
            if taker:
                seen = f"host port {port.published} is published twice"
                remedy = f"{taker[0]} publishes it at {taker[1].file}:{taker[1].line}"
                report.about(f"Service {name}").add("SPEC030", place, seen, remedy=remedy)
            others.setdefault(ip, (name, place))


def any_address(host_ip: str | None) -> str:
    """An address of the host; empty for every one."""
    return "" if host_ip in (None, "0.0.0.0", "::") else str(host_ip)  # noqa: S104 - compared, never bound

"""Checks of what one environment runs: after choice, patches and variables."""

from __future__ import annotations

import posixpath
from collections.abc import Collection

from specs.allow import Need, missing, named_services
from specs.catalog import Catalog
from specs.check import check_images
from specs.check_resource import check_registries, check_resources, host_path_of
from specs.check_route import check_published, check_routes
from specs.check_service import check_services, published_twice
from specs.environment import Environment
from specs.mounts import is_plain_path
from specs.problem import Report
from specs.service import Service
from specs.spec_set import Written
from specs.suggest import nearest, shown


def check_effective(
    catalog: Catalog,
    written: Written,
    environment: Environment,
    file_paths: Collection[str] | None,
    report: Report,
    *,
    is_whole: bool = True,
) -> None:
    """Everything that can only be known for one environment. ``written`` is its document. Without
    ``is_whole`` the catalog holds one service of it."""
    check_services(catalog, report)
    check_images(catalog, report)
    check_registries(catalog, report)
    check_resources(catalog, report)
    published_twice(catalog, report)
    check_routes(catalog, report)
    check_published(catalog, environment.proxy, report)
    for name, service in catalog.services.items():
        own = report.about(f"Service {name}")
        if is_whole:
            _check_excluded(name, service, catalog, written.name, own)
        for need in missing(environment.allow, name, service):
            _report_need("Service", name, need, catalog, written, own)
    for name, volume in catalog.volumes.items():
        path = host_path_of(volume)
        if path is not None and path not in environment.allow.host_mounts:
            need = Need("host_mounts", path, ("driver_opts", "device"))
            _report_need("Volume", name, need, catalog, written, report.about(f"Volume {name}"))
    if is_whole:
        _check_allowed_services(catalog, written, environment, report.about(written.subject))
    if file_paths is not None:
        _check_files(catalog, file_paths, report)


def _check_excluded(
    name: str, service: Service, catalog: Catalog, environment_name: str, report: Report
) -> None:
    for other in service.depends_on:
        if other in catalog.declared["Service"] and ("Service", other) not in catalog.nodes:
            place = catalog.key_place("Service", name, "depends_on", other)
            seen = f"depends on {shown(other)}, which Environment {environment_name} leaves out"
            report.add("SPEC025", place, seen, remedy="include it, or write required: false")


def _check_allowed_services(
    catalog: Catalog, written: Written, environment: Environment, report: Report
) -> None:
    """A misspelt service in ``allow`` would grant nothing, and nobody would be told."""
    for word, names in named_services(environment.allow):
        for name in names:
            if name not in catalog.declared["Service"]:
                place = written.place_of("allow", *word)
                hint = nearest(name, catalog.declared["Service"])
                remedy = f'did you mean "{hint}"?' if hint else "take it out"
                report.add("SPEC023", place, f"Service {shown(name)} is not declared", remedy=remedy)


def _report_need(
    kind: str, name: str, need: Need, catalog: Catalog, written: Written, report: Report
) -> None:
    """The remedy is the line to write, and where: only a plain path is repeated, not what somebody typed
    into the wrong place."""
    path, _, _ = need.value.partition(":")
    odd = need.word == "host_mounts" and not is_plain_path(path)
    paths = need.word in ("host_mounts", "devices")
    told = "(not shown)" if odd else shown(path) if paths else f'"{need.value}"'
    seen = {
        "host_mounts": f"host path {told} is not allowed",
        "privileged": "privileged is not allowed",
    }.get(need.word, f"{need.word} {told} is not allowed")
    place = written.spec.place_of("allow")
    line = need.line if told != "(not shown)" else f"allow.{need.word}"
    remedy = f"write {line} in Environment {written.name} ({place.file}:{place.line})"
    report.add("SPEC035", catalog.place(kind, name, *need.path), seen, remedy=remedy)


def _check_files(catalog: Catalog, file_paths: Collection[str], report: Report) -> None:
    files = set(file_paths)
    folders = {path[:end] for path in files for end, letter in enumerate(path) if letter == "/"}
    for name, config in catalog.configs.items():
        if config.file is None:
            continue
        path = posixpath.normpath(config.file)
        if path in files or path == "." or path in folders:
            continue
        hint = nearest(path, files) if len(files) <= 10_000 else None
        remedy = f'did you mean "{hint}"?' if hint else "a file counts when git tracks it"
        place = catalog.place("Config", name, "file")
        report.about(f"Config {name}").add(
            "SPEC031", place, f"file {shown(path)} is not there", remedy=remedy
        )

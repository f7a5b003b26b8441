"""Checks of Releases against the other documents: where they lie, and whom their entries are about."""

from __future__ import annotations

import posixpath

from specs.environment import Environment
from specs.problem import Report
from specs.release import RELEASES_FOLDER, Release
from specs.spec_set import SpecSet, Written
from specs.suggest import did_you_mean, nearest, shown


def check_releases(spec_set: SpecSet, report: Report) -> None:
    """Each lies where it is written, is about an Environment, and names services that there are."""
    for name, written in spec_set.of_kind("Release").items():
        own = report.about(written.subject)
        expected = release_path(spec_set.path, name)
        if posixpath.normpath(written.place.file) != expected:
            remedy = f"move it to {expected}, or remove it"
            own.add("SPEC045", written.place, "a Release in another place", expected=expected, remedy=remedy)
        environments = spec_set.of_kind("Environment")
        if name not in environments:
            remedy = did_you_mean(name, environments) or "remove the file"
            own.add("SPEC023", written.place, f"Environment {shown(name)} is not declared", remedy=remedy)
        release = written.model or written.salvaged
        if isinstance(release, Release):
            _check_entries(spec_set, written, release, own)


def release_path(spec_path: str, environment_name: str) -> str:
    """Where the Release of an environment lies."""
    return posixpath.normpath(posixpath.join(spec_path, RELEASES_FOLDER, f"{environment_name}.yaml"))


def _check_entries(spec_set: SpecSet, written: Written, release: Release, report: Report) -> None:
    services = spec_set.of_kind("Service")
    declared = spec_set.of_kind("Environment").get(written.name)
    environment = (declared.model or declared.salvaged) if declared else None
    follows = isinstance(environment, Environment) and environment.follows is not None
    if release.removed and not follows:
        seen = "removed: in an environment that follows no other"
        report.add("SPEC046", written.place_of("removed"), seen, remedy="remove it")
    for service_name, entry in release.services.items():
        place = written.spec.map_of("services").place_of(service_name)
        if service_name not in services and not follows:
            found = nearest(service_name, services)
            remedy = f'did you mean "{found}"?' if found else "remove the entry"
            report.add("SPEC023", place, f"Service {shown(service_name)} is not declared", remedy=remedy)
        if len(entry.images) != 1:
            where = written.place_of("services", service_name, "images")
            seen = f"service {service_name} has {len(entry.images)} images"
            report.add("SPEC046", where, seen, expected="the one that it runs")
        if service_name in release.removed:
            seen, expected = f"service {service_name} has a pin and is removed", "one of the two"
            report.add("SPEC046", place, seen, expected=expected, remedy="remove one of the two entries")
        if entry.instead_of is None and not follows:
            seen = f"service {service_name} has no instead_of, and the environment follows no other"
            remedy = 'remove the entry; "reconciler rollback" writes it'
            report.add("SPEC046", place, seen, expected="what it stands instead of", remedy=remedy)

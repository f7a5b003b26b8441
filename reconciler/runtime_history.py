"""What the runtime itself tells of the past: the proved releases of each service. Pure.

A journal may be deleted, or be on another machine; what then is left is which generation followed on which.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reconciler.desired import Json
from reconciler.observed import Instance, Marker
from reconciler.release import KIND as RELEASE
from reconciler.release import Release, read_releases
from reconciler.render import format_time
from reconciler.service_steps import generation_json
from reconciler.view import newest_markers

Entry = Mapping[str, Json]


def with_runtime(
    entries: Sequence[Entry], markers: Iterable[Marker], instances: Sequence[Instance]
) -> tuple[list[Entry], int]:
    """The entries with those of releases that none of them tells of, newest first, and how many these are."""
    told = {(service, g8) for entry in entries for service, g8 in _brought(entry)}
    added: list[Entry] = []
    for (kind, service_name), marker in sorted(newest_markers(markers).items()):
        if kind == RELEASE:
            own = [instance for instance in instances if instance.service_name == service_name]
            added += _of_service(service_name, read_releases(marker), own, told)
    dated = [entry for entry in (*entries, *added) if entry.get("at") is not None]
    undated = [entry for entry in (*entries, *added) if entry.get("at") is None]
    return sorted(dated, key=lambda entry: str(entry["at"]), reverse=True) + undated, len(added)


def _brought(entry: Entry) -> list[tuple[str, str]]:
    steps = entry.get("services")
    found: list[tuple[str, str]] = []
    for step in steps if isinstance(steps, list) else []:
        after = step.get("to") if isinstance(step, dict) else None
        if isinstance(step, dict) and isinstance(after, dict):
            found.append((str(step.get("service")), str(after.get("generation"))))
    return found


def _of_service(
    service_name: str, releases: Sequence[Release], instances: Sequence[Instance], told: set[tuple[str, str]]
) -> list[Entry]:
    known = {release.generation.g8: (release.commit, release.image) for release in releases}
    entries: list[Entry] = []
    for number, release in enumerate(releases):
        g8 = release.generation.g8
        if (service_name, g8) in told:
            continue
        before = releases[number + 1].generation.g8 if number + 1 < len(releases) else None
        created = [i.created_at for i in instances if i.generation.g8 == g8]
        step: Json = {
            "service": service_name,
            "from": generation_json(before, known),
            "to": generation_json(g8, known),
            "cause": None,
        }
        entries.append(
            {
                "at": format_time(min(created, default=None)),
                "commit": release.commit,
                "result": "settled",
                "services": [step],
            }
        )
    return entries

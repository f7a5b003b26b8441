"""The marker ``rollback``: what an entry of a Release says, where it could not be written to git. Pure.

The loop takes it like the entry: until git says of the service anything other than what it stands instead of.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pydantic import ValidationError

from reconciler.desired import Desired
from reconciler.observed import Marker, Observed
from reconciler.view import newest_markers
from specs.release import ReleasedService

ROLLBACK = "rollback"
_LONGEST = 16 << 10
_LIFTED = "{}"
"""Nothing is said by deletion: what vanished would be put back."""


@dataclass(frozen=True, slots=True)
class Marked:
    """The entries by service, and the services whose marker cannot be understood."""

    entries: dict[str, ReleasedService] = field(default_factory=dict)
    damaged: frozenset[str] = frozenset()


def read_marked(markers: Iterable[Marker]) -> Marked:
    """What the newest marker of each service says; it is hostile input, and goes through the front door's
    model."""
    entries: dict[str, ReleasedService] = {}
    damaged: set[str] = set()
    for (kind, service_name), marker in newest_markers(markers).items():
        if kind != ROLLBACK or marker.value == _LIFTED:
            continue
        entry = _read(marker.value)
        if entry is None:
            damaged.add(service_name)
        else:
            entries[service_name] = entry
    return Marked(dict(sorted(entries.items())), frozenset(damaged))


def met_by(observed: Observed, desired: Desired) -> frozenset[str]:
    """What decides, of all that lives, what is desired: the commits, what these markers say, and the minute
    where what could not be told of a pin may be told now."""
    commits = {instance.commit for instance in observed.instances}
    said = {marker.value for marker in observed.markers if marker.kind == ROLLBACK}
    return frozenset(commits | said | ({f"{observed.at // 60:.0f} min"} if _is_unsure(desired) else set()))


def _is_unsure(desired: Desired) -> bool:
    claims = [service.claim for service in desired.services.values() if service.claim is not None]
    leaving = desired.following.leaving.values() if desired.following else ()
    return any(claim.is_unsure for claim in (*claims, *leaving))


def _read(value: str) -> ReleasedService | None:
    if len(value) > _LONGEST:
        return None
    try:
        entry = ReleasedService.model_validate_json(value, strict=True)
    except (ValidationError, RecursionError):
        return None
    return entry if entry.instead_of is not None and len(entry.images) == 1 else None


def rollback_marker(service_name: str, entry: ReleasedService | None, markers: Iterable[Marker]) -> Marker:
    """The marker that says it, newer than those that are there; without an entry that nothing is said."""
    earlier = newest_markers(markers).get((ROLLBACK, service_name))
    value = _LIFTED if entry is None else entry.model_dump_json(by_alias=True, exclude_defaults=True)
    return Marker(ROLLBACK, service_name, earlier.sequence + 1 if earlier else 1, value)

"""One service as it was observed: its instances by role, its proved releases, its markers. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from reconciler.desired import DesiredService, Subject
from reconciler.hook_notes import KIND as HOOK
from reconciler.observed import Attempt, Instance, Marker, Observed
from reconciler.ownership import Role
from reconciler.release import KIND as RELEASE
from reconciler.release import Release, read_releases
from reconciler.strict_json import read_number, read_object

RETRY = "retry"
SUSPEND = "suspend"
JOB = "job"


@dataclass(frozen=True, slots=True)
class ServiceView:
    """What was observed of one service. Instances are sorted, so that no list order decides anything."""

    live: tuple[Instance, ...] = ()
    kept: tuple[Instance, ...] = ()
    held: tuple[Instance, ...] = ()
    hooks: tuple[Instance, ...] = ()
    """The containers that ran its hooks, or run one: no instances."""
    releases: tuple[Release, ...] = ()
    release_sequence: int = 0
    job: Marker | None = None
    hook: Marker | None = None
    retry: Marker | None = None
    busy: frozenset[Subject] = frozenset()
    """Subjects of this service with an action in flight."""

    @property
    def instances(self) -> tuple[Instance, ...]:
        """All of them, whatever their role; no hooks."""
        return self.live + self.kept + self.held


@dataclass(frozen=True, slots=True)
class Views:
    """Everything observed, by service, and the newest marker of each kind and subject."""

    services: Mapping[str, ServiceView]
    markers: Mapping[tuple[str, str], Marker]
    attempts: Mapping[Subject, Attempt] = field(default_factory=dict)

    def of(self, service_name: str) -> ServiceView:
        """The view of a service; an empty one where nothing was seen."""
        return self.services.get(service_name, _EMPTY)


_EMPTY = ServiceView()


def newest_markers(markers: Iterable[Marker]) -> dict[tuple[str, str], Marker]:
    """The marker that counts, by kind and subject: highest sequence, then the name that ends higher."""
    newest: dict[tuple[str, str], Marker] = {}
    for marker in markers:
        key = (marker.kind, marker.subject)
        other = newest.get(key)
        if other is None or _rank(marker) > _rank(other):
            newest[key] = marker
    return newest


def _rank(marker: Marker) -> tuple[int, str]:
    return marker.sequence, marker.object_name.rpartition("_")[2]


def group(observed: Observed) -> Views:
    """Sort what was observed by service."""
    markers = newest_markers(observed.markers)
    by_service: dict[str, list[Instance]] = defaultdict(list)
    for instance in observed.instances:
        by_service[instance.service_name].append(instance)
    busy: dict[str, set[Subject]] = defaultdict(set)
    for subject in observed.in_flight:
        if subject.kind == "Service":
            busy[subject.name].add(subject)
    names = set(by_service) | set(busy) | {s for kind, s in markers if kind in (RELEASE, JOB, HOOK, RETRY)}
    views = {name: _view(name, by_service.get(name, []), markers, busy.get(name, set())) for name in names}
    return Views(views, markers, observed.attempts)


def _view(
    name: str,
    instances: list[Instance],
    markers: Mapping[tuple[str, str], Marker],
    busy: set[Subject],
) -> ServiceView:
    ordered = sorted(instances, key=_order) if len(instances) > 1 else instances
    release = markers.get((RELEASE, name))
    return ServiceView(
        live=tuple(i for i in ordered if i.role is Role.LIVE),
        kept=tuple(i for i in ordered if i.role is Role.KEPT),
        held=tuple(i for i in ordered if i.role is Role.HELD),
        hooks=tuple(i for i in ordered if i.role.is_hook),
        releases=read_releases(release),
        release_sequence=release.sequence if release else 0,
        job=markers.get((JOB, name)),
        hook=markers.get((HOOK, name)),
        retry=markers.get((RETRY, name)),
        busy=frozenset(busy),
    )


def _order(instance: Instance) -> tuple[float, int, str]:
    return instance.created_at, instance.number or 0, instance.handle.id


def same_spec(instance: Instance, service: DesiredService) -> bool:
    """Fingerprint and secrets agree. Values that are missing here are not compared."""
    return instance.generation.fingerprint == service.form.fingerprint and (
        bool(service.missing_secrets) or instance.generation.secrets == service.secrets_digest
    )


@dataclass(frozen=True, slots=True)
class Suspension:
    """Nothing may be done. ``until`` in seconds on the runtime's clock; None is until somebody resumes."""

    reason: str
    until: float | None = None
    by: str | None = None


def read_suspension(marker: Marker | None, now: float) -> Suspension | None:
    """What a marker ``suspend`` says; None when it says that all may go on.

    A marker that cannot be understood suspends: a hand-off must not end by a damaged byte.
    """
    if marker is None:
        return None
    try:
        value = read_object(marker.value)
        active, reason, by = bool(value["active"]), str(value.get("reason") or ""), value.get("by")
        until = None if value.get("until") is None else read_number(value["until"])
    except (ValueError, KeyError):
        return Suspension("the suspend marker cannot be read")
    if not active or (until is not None and now >= until):
        return None
    return Suspension(reason or "no reason given", until, None if by is None else str(by))


def suspension(views: Views, service_name: str, now: float) -> str | None:
    """Why nothing may be done for a service, or for everything (``service_name`` empty); None if allowed."""
    found = read_suspension(views.markers.get((SUSPEND, service_name)), now)
    return found.reason if found else None

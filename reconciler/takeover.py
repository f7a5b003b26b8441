"""What ``adopt`` decides and remembers: which container makes room for which service, and which source may
act (contracts, section 2). Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from reconciler.accepted import SOURCE, read_accepted
from reconciler.desired import DesiredService
from reconciler.observed import Marker, Phase
from reconciler.ownership import Owner, short_digest
from reconciler.readiness import grace
from reconciler.stranger import Stranger
from reconciler.strict_json import read_object
from reconciler.view import Views
from specs.rollout_times import deadline_of

ADOPT = "adopt"
"""Kind of the marker of a take-over that has begun; its subject is the service."""
_ASIDE = "_adopted"
_ALIVE = (Phase.RUNNING, Phase.PAUSED, Phase.RESTARTING)


@dataclass(frozen=True, slots=True)
class TakeOver:
    """A take-over that has begun: the container that made room, and how it is put back."""

    id: str
    name: str
    restart: str

    @property
    def aside(self) -> str:
        """Its name while it waits for ours to be proved."""
        return f"{self.name}{_ASIDE}"

    def write(self) -> str:
        """The value of the marker."""
        return json.dumps(asdict(self), sort_keys=True)


def begin(stranger: Stranger) -> TakeOver:
    """The take-over of a container as it is now."""
    return TakeOver(stranger.handle.id, stranger.name.removesuffix(_ASIDE), stranger.restart)


def read_take_over(marker: Marker | None) -> TakeOver | None:
    """The take-over that a marker names; None when there is none, or it cannot be understood."""
    try:
        value = read_object(marker.value) if marker else {}
        return TakeOver(*(str(value[name]) for name in ("id", "name", "restart")))
    except (ValueError, KeyError):
        return None


def accepted_source(views: Views) -> str | None:
    """The source that an environment was handed over to; None when it never was."""
    accepted = read_accepted(views.markers.get((SOURCE, "")))
    return accepted.source if accepted else None


def confirmation(owner: Owner, service_name: str, stranger: Stranger, remarks: Iterable[str]) -> str:
    """The id that releases the take-over of exactly this container, with exactly these remarks read."""
    return short_digest("\n".join((str(owner), service_name, stranger.handle.id, *remarks)))


def longest_gap(service: DesiredService, stranger: Stranger) -> float | None:
    """Seconds for which nothing may serve; None when nothing serves now."""
    if stranger.phase not in _ALIVE:
        return None
    return stranger.grace + deadline_of(service.form.spec) + grace(service.form.spec)


def remarks_on(service: DesiredService, stranger: Stranger) -> list[str]:
    """What the service would not have that the container has: data elsewhere, ports, networks."""
    remarks = [_data_remarks, _port_remarks, _network_remarks]
    return [line for remark in remarks for line in remark(service, stranger)]


def kept_volumes(service: DesiredService, stranger: Stranger) -> list[tuple[str, str]]:
    """(path, volume or host path) of the data that goes on where it is."""
    used = {use.target: use.object_name for use in service.form.mounts}
    held = {**stranger.volumes, **stranger.host_mounts}
    return sorted((path, source) for path, source in held.items() if used.get(path) == source)


def _data_remarks(service: DesiredService, stranger: Stranger) -> list[str]:
    kept = dict(kept_volumes(service, stranger))
    files = {use.target for use in service.form.files}
    remarks = []
    for path, volume in sorted(stranger.volumes.items()):
        if path not in kept:
            what = "a volume without a name" if path in stranger.anonymous else f"volume {volume}"
            remarks.append(f"the data at {path} stays behind in {what}{_hint(path, volume, stranger)}")
    for path, source in sorted(stranger.host_mounts.items()):
        if path not in kept and path not in files:
            remarks.append(f"host path {source} is at {path} now, and not in the service")
    return remarks


def _hint(path: str, volume: str, stranger: Stranger) -> str:
    if path in stranger.anonymous:
        return f" ({volume}): a Volume with external: true and that name keeps it"
    return f": a Volume with external: true, name: {volume}, mounted at {path}, keeps it"


def _port_remarks(service: DesiredService, stranger: Stranger) -> list[str]:
    published = {port.published for port in service.form.spec.ports.values()}
    lost = sorted(port for port in stranger.ports if port not in published)
    return [f"port {port} is published now, and not by the service" for port in lost]


def _network_remarks(service: DesiredService, stranger: Stranger) -> list[str]:
    joined = {use.object_name for use in service.form.networks}
    apart = sorted(set(stranger.networks) - joined - {"bridge", "host", "none"})
    return [
        f"it leaves network {name}: neighbours there do not reach it by name any more "
        f"(a Network with external: true, name: {name} keeps it)"
        for name in apart
    ]


def matches(stranger: Stranger, handle: str) -> bool:
    """Whether a person means this container by a name or the start of its id."""
    by_id = len(handle) >= 4 and stranger.handle.id.startswith(handle)
    return by_id or stranger.name.removesuffix(_ASIDE) == handle or stranger.name == handle


def candidates(services: Iterable[str], strangers: Sequence[Stranger]) -> list[tuple[str, Stranger]]:
    """Containers of Compose that bear the name of a service of ours."""
    wanted = set(services)
    found = [(s.origin.service_name, s) for s in strangers if s.origin and s.origin.service_name in wanted]
    return sorted(found, key=lambda pair: (pair[0], pair[1].name))

"""What a promotion changes in the pins of an environment, and whether it changes anything. Pure.

Pins are equal, and left alone, when what they make of the service is equal, whatever their commits: so an
environment that promotes by itself comes to rest (design, section 8).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.desired import Desired, DesiredService
from reconciler.proofs import Proof
from reconciler.render import format_time
from specs.release import Evidence, ReleasedImage, ReleasedService, RemovedService


@dataclass(frozen=True, slots=True)
class Candidate:
    """One service as it was proved, and the pin that would say so."""

    proof: Proof
    entry: ReleasedService


@dataclass(frozen=True, slots=True)
class Pinning:
    """The pins of an environment: what its Release says, or would say."""

    services: Mapping[str, ReleasedService] = field(default_factory=dict)
    removed: Mapping[str, RemovedService] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one service. ``before`` is None for one that is new, ``after`` for one that goes."""

    service_name: str
    before: ReleasedService | None
    after: ReleasedService | None
    proof: Proof | None = None
    is_unbuilt: bool = False
    """The digest of its image in ``after`` stands for one that is not known yet."""

    @property
    def image(self) -> ReleasedImage | None:
        """The image that it takes."""
        return next(iter(self.after.images.values()), None) if self.after else None

    @property
    def is_hotfix(self) -> bool:
        """Whether it goes past the environment that is followed."""
        return self.after is not None and self.after.evidence.hotfix is not None

    @property
    def drops_hotfix(self) -> bool:
        """Whether the hotfix that was pinned is given up by name."""
        return (
            self.before is not None
            and self.after is not None
            and self.after.evidence.drops == self.before.commit
        )


def make_pin(
    proof: Proof,
    source_name: str,
    path: str,
    image: ReleasedImage,
    image_key: str,
    before: ReleasedService | None,
    serial: int,
    drops: str | None = None,
) -> ReleasedService:
    """The pin of what was proved. ``image_key``: how the service writes its image; ``path``: of the specs in
    its commit; ``serial``: the one that was written last of this service, 0 where none was; ``drops``: the
    commit of a hotfix that is given up by name."""
    since = None if proof.healthy_since is None else format_time(proof.healthy_since)
    return ReleasedService(
        serial=serial + 1,
        commit=proof.commit,
        path=path,
        images={image_key: image},
        evidence=Evidence.model_validate({"from": source_name, "healthy_since": since, "drops": drops}),
        refused=() if before is None else before.refused,
    )


def is_same(name: str, before: Desired, after: Desired) -> bool:
    """Whether two pins of a service make the same of it: its own words, those of the networks and volumes
    that it names, its files and its image, by digest."""
    one, other = before.services.get(name), after.services.get(name)
    if one is None or other is None:
        return False
    return (
        one.form.canonical == other.form.canonical
        and one.form.spec == other.form.spec
        and _digest(one) == _digest(other)
        and _resources(one, before) == _resources(other, after)
    )


def is_rebuilt(name: str, before: Desired, after: Desired) -> bool:
    """Whether nothing but the bytes of its image differs, which were made from the same inputs."""
    one, other = before.services.get(name), after.services.get(name)
    if one is None or other is None or _digest(one) == _digest(other):
        return False
    return (
        one.form.spec == other.form.spec
        and one.form.canonical == other.form.canonical
        and one.image.input == other.image.input
        and _resources(one, before) == _resources(other, after)
    )


def _digest(service: DesiredService) -> str:
    return str(service.image.locked)


def _resources(service: DesiredService, desired: Desired) -> tuple[object, ...]:
    networks = tuple(desired.networks.get(use.name) for use in service.form.networks)
    volumes = tuple(desired.volumes.get(use.name) for use in service.form.mounts if use.type == "volume")
    return networks, volumes


def changed(
    before: Pinning, candidates: Mapping[str, Candidate], leaving: Mapping[str, str]
) -> tuple[Change, ...]:
    """Every service that a promotion would change, sorted. ``leaving``: what is taken away, and why."""
    taken = [
        Change(name, before.services.get(name), candidate.entry, candidate.proof)
        for name, candidate in candidates.items()
    ]
    gone = [Change(name, before.services[name], None) for name in leaving if name in before.services]
    return tuple(sorted([*taken, *gone], key=lambda change: change.service_name))


def with_changes(before: Pinning, changes: tuple[Change, ...], leaving: Mapping[str, str]) -> Pinning:
    """The pins after a promotion."""
    services, removed = dict(before.services), dict(before.removed)
    for change in changes:
        name = change.service_name
        if change.after is not None:
            services[name] = change.after
            removed.pop(name, None)
        elif change.before is not None:
            serial = last_serial(before, name) + 1
            services.pop(name, None)
            removed[name] = RemovedService(serial=serial, reason=leaving.get(name))
    return Pinning(services, removed)


def last_serial(pins: Pinning, name: str) -> int:
    """The serial of what was written last of a service; 0 where nothing was."""
    entries = (pins.services.get(name), pins.removed.get(name))
    return max((entry.serial for entry in entries if entry is not None), default=0)

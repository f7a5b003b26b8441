"""Services of an environment that are read at another commit, as its Release or a marker says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.cli.configs import Configs, know_configs
from reconciler.cli.envelope import Stop, failure, warning
from reconciler.cli.images import know_images
from reconciler.cli.source import Source
from reconciler.desired import DesiredService, WantedImage
from reconciler.ownership import Owner
from reconciler.pin import Pin, is_in_force, released_image
from reconciler.pinned import Following
from reconciler.policy import Policy
from reconciler.render import short_commit
from reconciler.repository import Tree, TreeFile
from reconciler.resolve import Findings, image_repository, resolve
from specs.allow import missing
from specs.check_service import is_image_name
from specs.effective import Effective, effective
from specs.pinned import check_pins, with_pins
from specs.privilege import joined_services
from specs.problem import Problem
from specs.proxy import PROXIES
from specs.reference import InvalidReference
from specs.registry import Registry
from specs.release import ReleasedService
from specs.service import Service
from specs.spec_set import SpecSet

Entries = Mapping[str, ReleasedService]


@dataclass(frozen=True, slots=True)
class PinnedService:
    """One service as its entry's commit has it. ``specs`` are the effective ones of that commit."""

    entry: ReleasedService
    specs: Effective
    source: Source = field(repr=False)
    configs: Configs = field(repr=False)
    image: WantedImage
    registries: Mapping[str, Registry] = field(default_factory=dict)
    """Where its image lives, as today's documents say."""

    @property
    def pin(self) -> Pin:
        """What resolving needs."""
        is_rollback = self.entry.instead_of is not None
        return Pin(self.entry.commit, self.image, self.configs.digests, is_rollback)


@dataclass(frozen=True, slots=True)
class Pins:
    """The effective specs with the services of other commits in them, and what is known of each."""

    effective: Effective
    services: Mapping[str, PinnedService] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    following: Following | None = None
    """Where the environment follows another."""

    @property
    def without_pinned(self) -> Effective:
        """Of the environment's own commit alone."""
        services = {name: it for name, it in self.effective.services.items() if name not in self.services}
        return replace(self.effective, services=services)

    @property
    def elsewhere(self) -> dict[str, tuple[Configs, Tree, Sequence[TreeFile]]]:
        """The files of other commits, by digest."""
        pinned = self.services.values()
        return {d: (it.configs, it.source.tree, it.source.files) for it in pinned for d in it.configs.lines}


@dataclass(eq=False)
class UnreadableEntry(Exception):
    """An entry cannot be read at its commit: what was seen, and what to do."""

    seen: str
    remedy: str = ""
    is_unknown: bool = False
    """This clone cannot tell: it is no mistake of the entry's."""


def read_pins(owner: Owner, source: Source, found: Effective, marked: Entries) -> Pins:
    """``found`` with every rollback that is in force. ``marked`` are entries that markers say: of two about
    one service the later write counts. Raises ProviderError."""
    written = source.specs.released(found.environment_name)
    entries = _newest(written, marked, found)
    said = say_now(owner, source, found) if entries else {}
    entries = {n: entry for n, entry in entries.items() if n in said and is_in_force(entry, said[n])}
    read: dict[str, PinnedService] = {}
    problems: list[Problem] = []
    for name, entry in sorted(entries.items()):
        to = short_commit(entry.commit)
        try:
            read[name] = read_service(owner, source, found, name, entry)
            seen = f"rolled back to {to} until it changes in git again"
            problem = warning("CLI052", f"Service {name}", seen)
        except UnreadableEntry as error:
            seen = f"it cannot be rolled back to {to}: {error.seen}"
            problem = failure("CLI051", f"Service {name}", seen, remedy=error.remedy)
        problems.append(_placed(problem, source, found, name) if entry is written.get(name) else problem)
    return merge(source, found, read, problems)


def _newest(written: Entries, marked: Entries, found: Effective) -> dict[str, ReleasedService]:
    chosen: dict[str, ReleasedService] = {}
    for name in sorted({*written, *marked} & found.services.keys() - set(PROXIES)):
        both = [entries[name] for entries in (written, marked) if name in entries]
        chosen[name] = max(both, key=lambda entry: entry.serial)
    return chosen


def _placed(problem: Problem, source: Source, found: Effective, service_name: str) -> Problem:
    release = source.specs.documents["Release", found.environment_name]
    place = release.spec.map_of("services").place_of(service_name)
    return replace(problem, file=place.file, line=place.line, column=place.column)


def say_now(owner: Owner, source: Source, found: Effective) -> Mapping[str, DesiredService]:
    """What the commit itself says of each service; one with a problem is left out. Raises ProviderError."""
    locks = source.specs.locks
    images = {name: it.desired for name, it in know_images(owner, source.tree, found, locks).items()}
    findings = Findings(images, know_configs(found, source.files).digests, {}, locks)
    return resolve(owner, source.commit, found, findings, Policy(), {})[0].services


def read_service(
    owner: Owner, source: Source, found: Effective, service_name: str, entry: ReleasedService
) -> PinnedService:
    """The service at its entry's commit, under today's policy. Raises UnreadableEntry, ProviderError."""
    check_reachable(source, entry.commit)
    then, specs = _specs_at(source, found, entry.commit, entry.path)
    service = specs.services.get(service_name)
    if service is None or service_name in PROXIES:
        raise UnreadableEntry("there was no such service then")
    lacking = [other for other in joined_services(service).values() if other not in found.services]
    if lacking:
        raise UnreadableEntry(f"it joined {lacking[0]}, which is not there any more")
    for need in missing(found.environment.allow, service_name, service):
        remedy = f"write {need.line} in Environment {found.environment_name}"
        raise UnreadableEntry(f"it asked for {need.word}, which is not allowed now", remedy)
    own = replace(specs, services={service_name: service})
    configs = know_configs(own, then.files)
    for problem in configs.problems:
        raise UnreadableEntry(str(problem))
    image, registries = pinned_image(owner, source, specs, service, entry)
    return PinnedService(entry, specs, then, configs, image, registries)


def check_reachable(source: Source, commit: str) -> None:
    """The commit is in the history of what is tracked, or of a tag. Raises UnreadableEntry, ProviderError."""
    is_held = source.repository.is_in_history(source.commit.removesuffix("-dirty"), commit)
    if is_held is None:
        remedy = "git fetch --unshallow --tags, or fetch what is missing"
        raise UnreadableEntry("this clone does not have that commit", remedy, is_unknown=True)
    if not is_held:
        remedy = "name a commit that was merged, or tag it"
        raise UnreadableEntry("that commit is not in the history of this one, nor of a tag", remedy)


def image_then(
    source: Source, found: Effective, service_name: str, commit: str, path: str
) -> tuple[str, str | None]:
    """What a service wrote as its image at a commit, and the repository of one of ours. Raises
    UnreadableEntry, ProviderError."""
    check_reachable(source, commit)
    _, specs = _specs_at(source, found, commit, path)
    service = specs.services.get(service_name)
    if service is None:
        raise UnreadableEntry("there was no such service then")
    return service.image, specs.images[service.image].repository if is_image_name(service.image) else None


def _specs_at(source: Source, found: Effective, commit: str, path: str) -> tuple[Source, Effective]:
    """The commit, and its effective specs; where it had no such Environment, under today's."""
    try:
        then = source.at(commit, path)
    except Stop as stop:
        raise UnreadableEntry(str(stop.problems[0])) from None
    key = ("Environment", found.environment_name)
    documents = {key: source.specs.documents[key], **then.specs.documents}
    specs, problems = effective(
        SpecSet(then.path, documents),
        found.environment_name,
        file_paths={file.path for file in then.files},
        read_file=then.read_file,
    )
    if specs is None:
        errors = [problem for problem in problems if problem.severity == "error"]
        raise UnreadableEntry(str(errors[0]))
    return then, specs


def pinned_image(
    owner: Owner, source: Source, specs: Effective, service: Service, entry: ReleasedService
) -> tuple[WantedImage, Mapping[str, Registry]]:
    """Its image by digest, and the registry that it lives in, which must be one of today's."""
    released = entry.images.get(service.image)
    if released is None or is_image_name(service.image) != (released.input is not None):
        raise UnreadableEntry(f"its image was {service.image}, which the entry does not name")
    if released.input is None:
        return released_image(released), {}
    registry_name = specs.images[service.image].registry
    registry = source.specs.models("Registry", Registry).get(registry_name)
    if registry is None:
        remedy = f"declare Registry {registry_name} again"
        raise UnreadableEntry(f"Registry {registry_name} is not declared any more", remedy)
    try:
        repository = image_repository(owner, registry, released.repository or "")
    except InvalidReference as error:
        raise UnreadableEntry(str(error)) from None
    return released_image(released, repository), {registry_name: registry}


def merge(
    source: Source, found: Effective, read: Mapping[str, PinnedService], problems: Iterable[Problem] = ()
) -> Pins:
    """``found`` with these services in it."""
    if not read:
        return Pins(found, {}, tuple(problems))
    environment = source.specs.documents["Environment", found.environment_name]
    specs = {name: it.specs for name, it in read.items()}
    merged = with_pins(found, specs, environment.spec.place_of("proxy"))
    registries = {**found.registries, **{k: v for it in read.values() for k, v in it.registries.items()}}
    shared = [
        warning("CLI053", f"Service {name}", f"as they are now, for others use them, too: {', '.join(names)}")
        for name, names in sorted(merged.shared.items())
    ]
    declared = {kind: source.specs.of_kind(kind).keys() for kind in source.specs.counts}
    apart = [
        failure(
            "CLI051", str(problem.subject), f"with what was rolled back: {replace(problem, subject=None)}"
        )
        for problem in check_pins(merged.effective, specs, declared)
    ]
    return Pins(replace(merged.effective, registries=registries), read, (*problems, *shared, *apart))

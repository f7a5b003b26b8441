"""The services of an environment that follows another: each as its pin has it (design, section 8)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from reconciler.cli.check_entry import check_entry
from reconciler.cli.configs import know_configs
from reconciler.cli.envelope import Stop, warning
from reconciler.cli.pins import (
    Entries,
    PinnedService,
    Pins,
    UnreadableEntry,
    check_reachable,
    pinned_image,
)
from reconciler.cli.source import Source
from reconciler.ownership import Owner
from reconciler.pin import is_in_force
from reconciler.pinned import Barrier, Following
from reconciler.policy import Policy
from reconciler.render import short_commit
from reconciler.resolve import Findings, resolve
from specs.effective import Effective, effective
from specs.environment import Environment
from specs.followed import Followed, chosen_services, follow
from specs.pinned import check_pins
from specs.problem import Problem
from specs.proxy import PROXIES
from specs.release import ReleasedService
from specs.spec_set import Key, SpecSet, Written

_NOT_PINNED = ("Environment", "Registry", "Release", "Lock")
"""What comes from the tracked ref; all other documents of a service come from its pin."""


@dataclass(slots=True)
class Commits:
    """Commits as they are read: many services are pinned at few commits."""

    source: Source
    read: dict[tuple[str, str], Source] = field(default_factory=dict)

    def at(self, commit: str, path: str) -> Source:
        """Raises UnreadableEntry, ProviderError."""
        if (commit, path) not in self.read:
            check_reachable(self.source, commit)
            try:
                self.read[commit, path] = self.source.at(commit, path)
            except Stop as stop:
                raise UnreadableEntry(str(stop.problems[0])) from None
        return self.read[commit, path]


def read_followed(owner: Owner, source: Source, environment: Environment, marked: Entries) -> Pins:
    """The effective specs of the environment at its pins. What cannot be followed is barred, alone.
    ``marked``: rollbacks that git could not be told; each counts for as long as its service is pinned to what
    it refuses. Raises ProviderError."""
    name = owner.environment
    entries = source.specs.released(name)
    commits = Commits(source)
    read: dict[str, PinnedService] = {}
    barred: dict[str, Barrier] = {}
    for service_name, entry in sorted(entries.items()):
        if service_name in PROXIES:
            continue
        try:
            read[service_name] = read_pin(owner, source, commits, service_name, entry)
        except UnreadableEntry as error:
            barred[service_name] = _barrier(owner, service_name, entry, error)
    followed, problems = _together(source, name, environment, read, barred)
    for service_name in _in_force(owner, source, followed, read, marked):
        entry = marked[service_name]
        try:
            read[service_name] = read_pin(owner, source, commits, service_name, entry)
        except UnreadableEntry as error:
            barred[service_name] = _barrier(owner, service_name, entry, error)
            del read[service_name]
        followed, problems = _together(source, name, environment, read, barred)
    chosen = chosen_services(source.specs, environment)
    following = Following(
        source=environment.follows or "",
        unpromoted=frozenset(chosen - entries.keys()),
        removed=frozenset(source.specs.removed(name)),
        barred=barred,
    )
    return Pins(followed, read, tuple(problems), following)


def _in_force(
    owner: Owner, source: Source, found: Effective, read: Mapping[str, PinnedService], marked: Entries
) -> list[str]:
    newer = [n for n, it in marked.items() if n in read and it.serial > read[n].entry.serial]
    if not newer:
        return []
    findings = Findings({}, {}, {}, {}, {name: it.pin for name, it in read.items()})
    said = resolve(owner, source.commit, found, findings, Policy(), {})[0].services
    return sorted(name for name in newer if name in said and is_in_force(marked[name], said[name]))


def check_followed(source: Source, environment_name: str) -> list[Problem]:
    """Every pin that cannot be followed, where it is written. Raises ProviderError."""
    environment = source.specs.environments[environment_name]
    pins = read_followed(Owner(environment.project, environment_name), source, environment, {})
    written = source.specs.documents.get(("Release", environment_name))
    barred = {} if pins.following is None else pins.following.barred
    found: list[Problem] = []
    for name, barrier in sorted(barred.items()):
        place = written.spec.map_of("services").place_of(name) if written else None
        file, line, column = place[:3] if place else (None, None, None)
        severity: Literal["error", "warning"] = "warning" if barrier.is_unknown else "error"
        subject, reason, remedy = f"Service {name}", barrier.reason, barrier.remedy
        found.append(Problem(barrier.code, severity, file, line, column, subject, reason, "", remedy))
    return [*found, *pins.problems]


def _barrier(owner: Owner, service_name: str, entry: ReleasedService, error: UnreadableEntry) -> Barrier:
    reason = f"its pin at {short_commit(entry.commit)} cannot be followed: {error.seen}"
    again = f"promote it again, into {owner.environment}, with --service {service_name}"
    return Barrier("PLAN040", reason, error.remedy or again, error.is_unknown)


def _together(
    source: Source,
    environment_name: str,
    environment: Environment,
    read: dict[str, PinnedService],
    barred: dict[str, Barrier],
) -> tuple[Effective, list[Problem]]:
    """The pins that go together; the others are taken out of ``read`` and barred."""
    written = source.specs.documents["Environment", environment_name]
    bare = Effective(environment_name, environment)
    place = written.spec.place_of("proxy")
    declared = {kind: source.specs.of_kind(kind).keys() for kind in source.specs.counts}
    while True:
        specs = {name: it.specs for name, it in read.items()}
        found = follow(bare, specs, place)
        wrong = _apart(found) or _contradicting(found, specs, declared)
        if not wrong:
            break
        for name, barrier in wrong.items():
            barred[name] = barrier
            read.pop(name, None)
    registries = {name: it for pin in read.values() for name, it in pin.registries.items()}
    told = [
        warning("CLI080", f"Service {name}", f"it depends on what is not promoted: {', '.join(others)}")
        for name, others in found.lacking.items()
    ]
    return replace(found.effective, registries=registries), told


def _apart(found: Followed) -> dict[str, Barrier]:
    wrong: dict[str, Barrier] = {}
    for what, names in found.apart.items():
        reason = f"{what} has other options at the pins of {', '.join(names)}"
        remedy = "promote them together: " + " ".join(f"--service {name}" for name in names)
        wrong |= dict.fromkeys(names, Barrier("PLAN041", reason, remedy))
    return wrong


def _contradicting(
    found: Followed, specs: Mapping[str, Effective], declared: Mapping[str, Collection[str]]
) -> dict[str, Barrier]:
    problems = check_pins(found.effective, specs, declared)
    wrong: dict[str, Barrier] = {}
    for problem in problems:
        name = (problem.subject or "").removeprefix("Service ")
        if name in specs:
            wrong.setdefault(name, Barrier("PLAN041", str(replace(problem, subject=None)), problem.remedy))
    return wrong


def read_pin(
    owner: Owner, source: Source, commits: Commits, service_name: str, entry: ReleasedService
) -> PinnedService:
    """A service at its pin, under today's Environment and Registries. Raises UnreadableEntry,
    ProviderError."""
    then, specs = specs_at(source, commits, owner.environment, service_name, (entry.commit, entry.path))
    check_entry(owner, source, then, specs, entry)
    configs = know_configs(specs, then.files)
    for problem in configs.problems:
        raise UnreadableEntry(str(problem))
    image, registries = pinned_image(owner, source, specs, specs.services[service_name], entry)
    return PinnedService(entry, specs, then, configs, image, registries)


def specs_at(
    source: Source, commits: Commits, environment_name: str, service_name: str, place: tuple[str, str]
) -> tuple[Source, Effective]:
    """One service at a commit and spec path, under today's Environment and Registries. Raises
    UnreadableEntry, ProviderError."""
    then = commits.at(*place)
    if ("Service", service_name) not in then.specs.documents:
        raise UnreadableEntry("there is no such service in that commit")
    specs, problems = effective(
        SpecSet(then.path, _documents(source, then, environment_name)),
        environment_name,
        file_paths={file.path for file in then.files},
        read_file=then.read_file,
        only=service_name,
    )
    if specs is None:
        wrong = next(problem for problem in problems if problem.severity == "error")
        raise UnreadableEntry(str(wrong))
    return then, replace(specs, services={service_name: specs.services[service_name]})


def _documents(source: Source, then: Source, environment_name: str) -> dict[Key, Written]:
    theirs = {key: it for key, it in then.specs.documents.items() if key[0] not in _NOT_PINNED}
    ours = {
        key: it
        for key, it in source.specs.documents.items()
        if key[0] == "Registry" or key == ("Environment", environment_name)
    }
    return {**theirs, **ours}

"""What a promotion would write, computed on one commit. Nothing is written here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from reconciler.cli.envelope import Stop, failure, warning
from reconciler.cli.exits import ERROR, REFUSED
from reconciler.cli.followed import Commits, specs_at
from reconciler.cli.options import Options
from reconciler.cli.pin_facts import given_up
from reconciler.cli.pins import UnreadableEntry
from reconciler.cli.registries import Registries
from reconciler.cli.rollback_plan import with_release
from reconciler.cli.source import Source
from reconciler.cli.workspace import Workspace, read_workspace
from reconciler.clients import OpenRegistry
from reconciler.copying import ImageCopy
from reconciler.desired import Desired
from reconciler.ownership import Owner
from reconciler.promotion import (
    Candidate,
    Change,
    Pinning,
    changed,
    is_rebuilt,
    is_same,
    last_serial,
    make_pin,
    with_changes,
)
from reconciler.proofs import Proof
from reconciler.releases_file import releases_text
from reconciler.render import short_commit
from specs.check_release import release_path
from specs.check_service import is_image_name
from specs.environment import Environment
from specs.problem import Problem
from specs.reference import ImageRef
from specs.release import ReleasedImage, ReleasedService
from specs.suggest import did_you_mean

_MORE = 20
"""Commits between two pins that are named."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What an environment has proved, and what of it is known. ``pins``: its own, where it follows another;
    ``names``: every service that it is to run; ``unproved``: those without a proof, and why."""

    name: str
    proofs: Mapping[str, Proof]
    names: frozenset[str]
    pins: Mapping[str, ReleasedService]
    unproved: Mapping[str, str]
    read_at: float
    """In seconds since 1970."""
    registries: Registries
    """Its logins: whoever may read there may not write here."""
    open_registry: OpenRegistry
    is_record: bool = False


@dataclass(frozen=True, slots=True)
class Promotion:
    """A promotion computed on ``source``: what it changes, and the environment before and after it."""

    source: Source
    offer: Offer
    before: Workspace
    after: Workspace
    changes: tuple[Change, ...]
    pins: Pinning
    path: str
    text: str
    problems: tuple[Problem, ...] = ()

    @property
    def owner(self) -> Owner:
        """Of the environment that takes."""
        return self.after.owner

    @property
    def copies(self) -> tuple[ImageCopy, ...]:
        """The images of ours that it takes, and where each has to lie. One from outside lies where it lay."""
        wanted: list[ImageCopy] = []
        for change in self.changes:
            service = self.after.desired.services.get(change.service_name)
            if service is None or change.proof is None or change.image is None or change.image.input is None:
                continue
            ref, digest = service.image.ref, service.image.locked
            if digest is not None:
                wanted.append(ImageCopy(change.service_name, ImageRef.parse(change.proof.image), ref))
        return tuple(wanted)


def check_pair(source: Source, from_name: str, to_name: str) -> Environment:
    """The environment that takes, which must follow the other. Raises Stop."""
    environments = source.specs.environments
    for name in (from_name, to_name):
        if name not in environments:
            remedy = did_you_mean(name, environments) or f"there is: {', '.join(sorted(environments))}"
            problem = failure("SPEC037", source.path, f"there is no Environment {name}", remedy=remedy)
            raise Stop(ERROR, (problem,), commit=source.commit)
    environment = environments[to_name]
    if environment.follows != from_name:
        seen = f"it follows {environment.follows or 'no other environment'}"
        remedy = f"write follows: {from_name} in Environment {to_name}"
        if environment.follows:
            remedy = f"reconciler promote {environment.follows} {to_name}"
        problem = failure("CLI081", f"Environment {to_name}", seen, f"that it follows {from_name}", remedy)
        raise Stop(ERROR, (problem,), Owner(environment.project, to_name), source.commit)
    return environment


def prepare_promotion(options: Options, source: Source, offer: Offer) -> Promotion:
    """Raises Stop with 4 where something cannot be taken, ProviderError."""
    environment = check_pair(source, offer.name, options.environment)
    before = read_workspace(replace(options, ref=source.commit, services=()), source)
    pins = Pinning(source.specs.released(options.environment), source.specs.removed(options.environment))
    names = _chosen(options, environment, offer, pins, source)
    candidates = _candidates(options, source, before.owner, offer, pins, names)
    leaving = _leaving(options, environment, offer, pins)
    every = changed(pins, candidates, leaving)
    after = _after(options, source, with_changes(pins, every, leaving))
    kept, told = _kept(options, every, before.desired, after[0].desired)
    told += _barred(options, after[0].desired, kept)
    if kept != every:
        after = _after(options, source, with_changes(pins, kept, leaving))
    workspace, path, text, taken = after
    told += [*before.problems] if not kept else []
    return Promotion(source, offer, before, workspace, kept, taken, path, text, tuple(told))


def _chosen(
    options: Options, environment: Environment, offer: Offer, pins: Pinning, source: Source
) -> list[str]:
    choice = environment.services
    known = {*offer.proofs, *offer.unproved, *pins.services}
    for name in options.services:
        if name not in known:
            seen = f"there is no service {name} in {offer.name}"
            problem = failure("CLI005", "--service", seen, remedy=did_you_mean(name, known))
            raise Stop(ERROR, (problem,), commit=source.commit)
    unproved = [name for name in options.services if name in offer.unproved]
    if unproved:
        problems = tuple(
            failure("CLI082", f"Service {n}", offer.unproved[n], f"that {offer.name} has proved it", _LOOK)
            for n in unproved
        )
        raise Stop(REFUSED, problems, commit=source.commit)

    def is_chosen(name: str) -> bool:
        return any(fnmatchcase(name, p) for p in choice.include) and not any(
            fnmatchcase(name, p) for p in choice.exclude
        )

    wanted = set(options.services) or set(offer.proofs)
    return sorted(name for name in wanted & offer.proofs.keys() if is_chosen(name))


_LOOK = "look at its status, and promote it when it has settled"


def _leaving(options: Options, environment: Environment, offer: Offer, pins: Pinning) -> dict[str, str]:
    """What the other does not have any more. Without a choice only: and never because something is unread."""
    if options.services or offer.is_record:
        gone = set(options.services) & (pins.services.keys() - offer.names)
    else:
        gone = pins.services.keys() - offer.names
    return dict.fromkeys(sorted(gone), f"{offer.name} does not have it any more")


def _candidates(
    options: Options, source: Source, owner: Owner, offer: Offer, pins: Pinning, names: list[str]
) -> dict[str, Candidate]:
    commits = Commits(source)
    found: dict[str, Candidate] = {}
    wrong: list[Problem] = []
    for name in names:
        proof = offer.proofs[name]
        try:
            found[name] = Candidate(proof, _pin(options, source, owner, commits, offer, pins, proof))
        except UnreadableEntry as error:
            seen = f"it cannot be taken as of {short_commit(proof.commit)}: {error.seen}"
            wrong.append(failure("CLI083", f"Service {name}", seen, remedy=error.remedy))
    if wrong:
        raise Stop(REFUSED, tuple(wrong), owner, source.commit)
    return found


def _pin(
    options: Options,
    source: Source,
    owner: Owner,
    commits: Commits,
    offer: Offer,
    pins: Pinning,
    proof: Proof,
) -> ReleasedService:
    """Raises UnreadableEntry, ProviderError."""
    name, serial = proof.service_name, last_serial(pins, proof.service_name)
    theirs = offer.pins.get(name)
    path = theirs.path if theirs is not None and theirs.commit == proof.commit else proof.path or source.path
    if proof.commit.endswith("-dirty"):
        raise UnreadableEntry("it came from a working tree, not from a commit", "commit it, and apply that")
    _, specs = specs_at(source, commits, owner.environment, name, (proof.commit, path))
    service = specs.services[name]
    digest = ImageRef.parse(proof.image).digest
    if is_image_name(service.image) != (proof.image_name is not None) or digest is None:
        raise UnreadableEntry(f"its image is {service.image} here, and not what {offer.name} has proved")
    if is_image_name(service.image):
        repository = specs.images[service.image].repository
        image = ReleasedImage(digest=digest.text, repository=repository, input=proof.input)
    elif service.image != proof.input:
        remedy = f"take the image out of the patches of Environment {owner.environment}"
        raise UnreadableEntry(f"{service.image} is not {proof.input}, which {offer.name} has proved", remedy)
    else:
        image = ReleasedImage(digest=digest.text, reference=service.image)
    before = pins.services.get(name)
    drops = given_up(source.repository, before, proof.commit) if options.drop_hotfix else None
    return make_pin(proof, offer.name, path, image, service.image, before, serial, drops)


def _after(options: Options, source: Source, pins: Pinning) -> tuple[Workspace, str, str, Pinning]:
    name = options.environment
    path = release_path(source.path, name)
    text = releases_text(name, pins.services, pins.removed, follows=True)
    changed_source = with_release(source, name, path, text)
    try:
        workspace = read_workspace(replace(options, ref=source.commit, services=()), changed_source)
    except Stop as stop:
        raise Stop(REFUSED, stop.problems, stop.owner, source.commit) from None
    return workspace, path, text, pins


def _kept(
    options: Options, every: tuple[Change, ...], before: Desired, after: Desired
) -> tuple[tuple[Change, ...], list[Problem]]:
    """The changes that make a difference; a rebuild is none, and is told."""
    kept: list[Change] = []
    told: list[Problem] = []
    for change in every:
        name = change.service_name
        if change.after is None or not is_same(name, before, after):
            if change.after is not None and not options.rebuilt and is_rebuilt(name, before, after):
                told.append(_rebuilt(change, before))
                continue
            kept.append(change)
    return tuple(kept), told


def _rebuilt(change: Change, before: Desired) -> Problem:
    name = change.service_name
    digest = change.image.digest[:19] if change.image else ""
    seen = f"its image was built anew from the same inputs, to other bytes ({digest}): it is left as it is"
    return warning("CLI084", f"Service {name}", seen, "add --rebuilt to take these bytes")


def _barred(options: Options, after: Desired, kept: tuple[Change, ...]) -> list[Problem]:
    """Raises Stop with 4 for what cannot be followed together."""
    following = after.following
    names = {change.service_name for change in kept if change.after is not None}
    barred = {} if following is None else following.barred
    wrong = [
        failure("CLI083", f"Service {name}", barrier.reason, remedy=barrier.remedy)
        for name, barrier in sorted(barred.items())
    ]
    if any(name in names for name in barred):
        raise Stop(REFUSED, tuple(wrong), after.owner, after.commit)
    return [replace(problem, severity="warning") for problem in wrong]

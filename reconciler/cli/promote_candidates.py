"""What may be taken of what an environment offers, service by service, and the pins that would say so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from reconciler.cli.envelope import Stop, failure
from reconciler.cli.exits import CANNOT_TELL, ERROR, REFUSED
from reconciler.cli.followed import Commits, specs_at
from reconciler.cli.options import Options
from reconciler.cli.pin_facts import given_up
from reconciler.cli.pins import UnreadableEntry
from reconciler.cli.registries import Registries
from reconciler.cli.source import Source
from reconciler.clients import OpenRegistry
from reconciler.ownership import Owner
from reconciler.promotion import Candidate, Pinning, last_serial, make_pin
from reconciler.proofs import Proof
from reconciler.render import short_commit
from specs.check_service import is_image_name
from specs.environment import Environment
from specs.problem import Problem
from specs.reference import ImageRef
from specs.release import ReleasedImage, ReleasedService
from specs.suggest import did_you_mean


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
    is_past: bool = False
    """A hotfix goes past it: nothing of it is asked."""


def choose_services(
    options: Options, environment: Environment, offer: Offer, pins: Pinning, source: Source
) -> list[str]:
    """The proved services that are asked for, among those that the environment chooses. Raises Stop."""
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


def leaving_services(options: Options, offer: Offer, pins: Pinning) -> dict[str, str]:
    """What the other does not have any more, and what is told of it. A record tells only of what is named."""
    if options.services or offer.is_record:
        gone = set(options.services) & (pins.services.keys() - offer.names)
    else:
        gone = pins.services.keys() - offer.names
    return dict.fromkeys(sorted(gone), f"{offer.name} does not have it any more")


def find_candidates(
    options: Options, source: Source, owner: Owner, offer: Offer, pins: Pinning, names: list[str]
) -> dict[str, Candidate]:
    """The pin of each. Raises Stop with 4 for what does not fit, ProviderError."""
    commits = Commits(source)
    found: dict[str, Candidate] = {}
    wrong: list[Problem] = []
    is_known = False
    for name in names:
        proof = offer.proofs[name]
        try:
            found[name] = Candidate(proof, _pin(options, source, owner, commits, offer, pins, proof))
        except UnreadableEntry as error:
            seen = f"it cannot be taken as of {short_commit(proof.commit)}: {error.seen}"
            wrong.append(failure("CLI083", f"Service {name}", seen, remedy=error.remedy))
            is_known = is_known or not error.is_unknown
    if wrong:
        raise Stop(REFUSED if is_known else CANNOT_TELL, tuple(wrong), owner, source.commit)
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

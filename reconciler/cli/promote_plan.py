"""What a promotion would write, computed on one commit. Nothing is written here."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconciler.cli.envelope import Stop, failure, warning
from reconciler.cli.exits import ERROR, REFUSED
from reconciler.cli.options import Options
from reconciler.cli.promote_candidates import Offer, choose_services, find_candidates, leaving_services
from reconciler.cli.rollback_plan import with_release
from reconciler.cli.source import Source
from reconciler.cli.workspace import Admit, Workspace, read_workspace
from reconciler.copying import ImageCopy
from reconciler.desired import Desired
from reconciler.ownership import Owner
from reconciler.promotion import (
    Change,
    Pinning,
    changed,
    is_rebuilt,
    is_same,
    with_changes,
)
from reconciler.releases_file import releases_text
from specs.check_release import release_path
from specs.environment import Environment
from specs.problem import Problem
from specs.reference import ImageRef
from specs.suggest import did_you_mean


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


def prepare_promotion(
    options: Options, source: Source, offer: Offer, admit: Admit = lambda found: found
) -> Promotion:
    """Raises Stop with 4 where something cannot be taken, ProviderError."""
    environment = check_pair(source, offer.name, options.environment)
    before = read_workspace(replace(options, ref=source.commit, services=()), source, admit)
    pins = Pinning(source.specs.released(options.environment), source.specs.removed(options.environment))
    names = choose_services(options, environment, offer, pins, source)
    candidates = find_candidates(options, source, before.owner, offer, pins, names)
    leaving = leaving_services(options, offer, pins)
    every = changed(pins, candidates, leaving)
    after = with_pins(options, source, with_changes(pins, every, leaving), admit)
    kept, told = _kept(options, every, before.desired, after[0].desired)
    told += refuse_barred(after[0].desired, kept)
    if kept != every:
        after = with_pins(options, source, with_changes(pins, kept, leaving), admit)
    workspace, path, text, taken = after
    told += [*before.problems] if not kept else []
    return Promotion(source, offer, before, workspace, kept, taken, path, text, tuple(told))


def with_checks(promotion: Promotion, checks: tuple[str, ...]) -> Promotion:
    """The same, with the checks that passed as evidence of what it takes."""
    if not checks:
        return promotion
    changes = tuple(_checked(change, checks) for change in promotion.changes)
    services = {**promotion.pins.services, **{it.service_name: it.after for it in changes if it.after}}
    pins = replace(promotion.pins, services=services)
    text = releases_text(promotion.owner.environment, pins.services, pins.removed, follows=True)
    return replace(promotion, changes=changes, pins=pins, text=text)


def _checked(change: Change, checks: tuple[str, ...]) -> Change:
    if change.after is None:
        return change
    evidence = change.after.evidence.model_copy(update={"checks": checks})
    return replace(change, after=change.after.model_copy(update={"evidence": evidence}))


def with_pins(
    options: Options, source: Source, pins: Pinning, admit: Admit = lambda found: found
) -> tuple[Workspace, str, str, Pinning]:
    """The environment with these pins, the path and text of its Release, and the pins. Raises Stop with 4,
    ProviderError."""
    name = options.environment
    path = release_path(source.path, name)
    text = releases_text(name, pins.services, pins.removed, follows=True)
    changed_source = with_release(source, name, path, text)
    try:
        workspace = read_workspace(replace(options, ref=source.commit, services=()), changed_source, admit)
    except Stop as stop:
        raise Stop(REFUSED, stop.problems, stop.owner, source.commit) from None
    return replace(workspace, is_proposed=True), path, text, pins


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


def refuse_barred(after: Desired, kept: tuple[Change, ...]) -> list[Problem]:
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

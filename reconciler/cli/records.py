"""Where the record of an environment lies; written by those who act there, read by those who cannot."""

from __future__ import annotations

from contextlib import suppress

from reconciler.cli.envelope import problem_of
from reconciler.clients import OpenReadRegistry, OpenRegistry
from reconciler.decision import Plan
from reconciler.desired import Desired
from reconciler.observed import Observed
from reconciler.ownership import Owner
from reconciler.policy import RecordPlace
from reconciler.provider import ProviderError, Registry
from reconciler.record import COMMIT, Record, is_due, make_record
from reconciler.record_text import Unusable, parse_record, read_record, write_record
from reconciler.resolve import image_repository
from specs.effective import Effective
from specs.problem import Problem

UNPUBLISHED = "CLI110"


def record_place(found: Effective) -> RecordPlace | None:
    """Where the environment publishes its record; None where it does not. Raises InvalidReference."""
    environment = found.environment
    if environment.record_registry is None:
        return None
    owner = Owner(environment.project, found.environment_name)
    repository = image_repository(
        owner, found.registries[environment.record_registry], f"{owner.project}-records"
    )
    return RecordPlace(repository.with_tag(f"record-{owner.environment}"), environment.record_age)


def record_of(desired: Desired, observed: Observed, plan: Plan) -> Record | None:
    """What there is to publish; None where nothing may be said: of an environment that keeps no record, of a
    part of one, of a working tree, or when not all of the world could be read."""
    if desired.policy.record is None or desired.excluded or observed.unreadable:
        return None
    return make_record(desired, observed, plan) if COMMIT.fullmatch(desired.commit) else None


async def publish_record(
    place: RecordPlace, record: Record, open_registry: OpenRegistry, before: Record | None = None
) -> Record:
    """Write the record where that is due; the one that lies there afterwards. ``before``: what this process
    wrote last, so that it need not be read. Raises ProviderError."""
    registry = await open_registry(place.ref)
    earlier = before or await _earlier(registry, place)
    if not is_due(earlier, record, place.age):
        return earlier or record
    await registry.put_record(place.ref, write_record(record))
    return record


async def _earlier(registry: Registry, place: RecordPlace) -> Record | None:
    """None for one that is damaged: it is written anew."""
    document = await registry.record(place.ref)
    if document is not None:
        with suppress(ValueError):
            return parse_record(document)
    return None


async def publish_applied(
    desired: Desired, observed: Observed, plan: Plan, open_registry: OpenRegistry
) -> tuple[Problem, ...]:
    """After ``apply``: publish, if this environment does. A warning where that fails, which fails nothing."""
    place, record = desired.policy.record, record_of(desired, observed, plan)
    if place is None or record is None:
        return ()
    try:
        await publish_record(place, record, open_registry)
    except ProviderError as error:
        return (unpublished(desired.owner, place, error),)
    return ()


def unpublished(owner: Owner, place: RecordPlace, error: ProviderError) -> Problem:
    """The warning that says so."""
    cause = problem_of(error)
    seen = f"its record could not be published at {place.ref}: {cause.seen} [{error.code}]"
    subject, expected = f"Environment {owner.environment}", "a record that others can read"
    return Problem(UNPUBLISHED, "warning", None, None, None, subject, seen, expected, cause.remedy)


async def fetch_record(
    place: RecordPlace, owner: Owner, now: float, open_registry: OpenReadRegistry
) -> Record | Unusable:
    """What an environment that cannot be reached says of itself. ``now``: seconds, on this machine's clock.
    Raises ProviderError where the registry cannot be read."""
    registry = await open_registry(place.ref)
    return read_record(await registry.record(place.ref), owner, now, place.age)

"""The entries of a Release that a rollback writes."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.cli.envelope import Stop, failure
from reconciler.cli.exits import ERROR, REFUSED
from reconciler.cli.followed import Commits, specs_at
from reconciler.cli.options import Options
from reconciler.cli.pins import UnreadableEntry, image_then, say_now
from reconciler.cli.source import Source
from reconciler.desired import Desired, DesiredService
from reconciler.going_back import Way, is_forward, make_entry
from reconciler.observed import Observed
from reconciler.ownership import Owner
from reconciler.rollback_mark import read_marked
from specs.check_service import is_image_name
from specs.effective import Effective, effective
from specs.release import ReleasedService


def say_plainly(source: Source, environment_name: str) -> Effective:
    """What the commit itself says, without any rollback. Raises Stop."""
    paths = {file.path for file in source.files}
    found, problems = effective(source.specs, environment_name, file_paths=paths, read_file=source.read_file)
    if found is None:
        raise Stop(ERROR, tuple(problems), commit=source.commit)
    return found


def rollback_entries(
    options: Options,
    owner: Owner,
    source: Source,
    found: Effective,
    ways: Iterable[Way],
    observed: Observed,
) -> dict[str, ReleasedService | None]:
    """What is written of each service; None: its entry goes. Raises Stop with 4, ProviderError."""
    said = say_now(owner, source, found)
    written = source.specs.released(options.environment)
    marked = read_marked(observed.markers).entries
    entries: dict[str, ReleasedService | None] = {}
    for way in ways:
        name = way.service_name
        both = [known[name] for known in (written, marked) if name in known]
        before = max(both, key=lambda entry: entry.serial, default=None)
        entries[name] = (
            None if is_forward(way, said[name]) else _entry(options, source, found, way, said[name], before)
        )
    return entries


def pins_back(
    options: Options, owner: Owner, source: Source, desired: Desired, ways: Iterable[Way]
) -> dict[str, ReleasedService | None]:
    """Where the environment follows another, its pins go back: they stay so until the next promotion."""
    written = source.specs.released(options.environment)
    commits = Commits(source)
    entries: dict[str, ReleasedService | None] = {}
    for way in ways:
        before = written[way.service_name]
        try:
            place = (way.commit, before.path)
            _, specs = specs_at(source, commits, owner.environment, way.service_name, place)
        except UnreadableEntry as error:
            raise _unreadable(way, source, error) from None
        image = specs.services[way.service_name].image
        repository = specs.images[image].repository if is_image_name(image) else None
        said = desired.services[way.service_name]
        entries[way.service_name] = make_entry(
            way, said, (image, repository), before, before.path, options.reason
        )
    return entries


def _unreadable(way: Way, source: Source, error: UnreadableEntry) -> Stop:
    seen = f"it cannot be rolled back to {way.commit[:10]}: {error.seen}"
    problem = failure("CLI051", f"Service {way.service_name}", seen, remedy=error.remedy)
    return Stop(REFUSED, (problem,), commit=source.commit)


def _entry(
    options: Options,
    source: Source,
    found: Effective,
    way: Way,
    said: DesiredService,
    before: ReleasedService | None,
) -> ReleasedService:
    try:
        image = image_then(source, found, way.service_name, way.commit, source.path)
    except UnreadableEntry as error:
        raise _unreadable(way, source, error) from None
    return make_entry(way, said, image, before, source.path, options.reason)

"""What a rollback would write, computed on one commit. Nothing is written here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reconciler.cli.envelope import Stop, failure
from reconciler.cli.exits import ERROR, REFUSED
from reconciler.cli.options import Options
from reconciler.cli.rollback_entries import pins_back, rollback_entries, say_plainly
from reconciler.cli.source import Source
from reconciler.cli.workspace import Workspace, read_workspace
from reconciler.clients import Clients
from reconciler.desired import Desired, Kinship
from reconciler.going_back import NoWay, Way, deployed_at, find_way, last_deployed
from reconciler.observed import Observed
from reconciler.releases_file import releases_text
from reconciler.render_rollback import RollbackView
from reconciler.rollback_mark import read_marked
from reconciler.view import SUSPEND, Views, group, read_suspension
from specs.check_release import release_path
from specs.load import SpecFile, load
from specs.problem import Problem
from specs.proxy import PROXIES
from specs.reference import ImageRef
from specs.release import ReleasedService
from specs.spec_set import SpecSet
from specs.suggest import did_you_mean


@dataclass(frozen=True, slots=True)
class Prepared:
    """A rollback computed on ``source``. ``entries`` are what it writes of each service; None: its entry
    goes, for what it goes to is what the specs say."""

    source: Source
    before: Desired
    after: Workspace
    ways: tuple[Way, ...]
    entries: Mapping[str, ReleasedService | None]
    path: str
    text: str
    observed: Observed

    @property
    def view(self) -> RollbackView:
        """What is shown of it."""
        return RollbackView(self.before, self.after.desired, self.observed, self.ways, self.entries)


def prepare(options: Options, source: Source, observed: Observed, is_pushed: bool) -> Prepared:
    """Raises Stop with 4 where there is no way back, ProviderError. ``is_pushed``: what runs must be in the
    history of ``source``."""
    at_tip = replace(options, ref=source.commit)
    workspace = read_workspace(at_tip, source)
    owner, met, views = workspace.owner, workspace.meet(observed), group(observed)
    # What a marker that cannot be read keeps from loops, a person may move.
    desired = replace(met, services={**workspace.desired.services, **met.services})
    ways = choose_ways(options, source, desired, observed, views)
    for way in ways:
        _check(way, options, source, observed, views, is_pushed)
    name, follows = options.environment, desired.following is not None
    if follows:
        entries = pins_back(options, owner, source, desired, ways)
    else:
        entries = rollback_entries(options, owner, source, say_plainly(source, name), ways, observed)
    path = release_path(source.path, name)
    kept = {**source.specs.released(name), **entries}
    services = {service_name: entry for service_name, entry in kept.items() if entry is not None}
    text = releases_text(name, services, source.specs.removed(name), follows=follows)
    marked = {n: it for n, it in read_marked(observed.markers).entries.items() if n not in entries}
    try:
        after = read_workspace(at_tip, with_release(source, options.environment, path, text), marked=marked)
    except Stop as stop:
        raise Stop(REFUSED, stop.problems, owner, source.commit) from None
    for way in ways:
        _check_same(way, after)
    return Prepared(source, desired, after, ways, entries, path, text, observed)


def choose_ways(
    options: Options, source: Source, desired: Desired, observed: Observed, views: Views
) -> tuple[Way, ...]:
    """The way back of the service that was named, else of each that the last deploy changed. Raises Stop."""
    to, name = options.to or "", options.service
    if name:
        if name not in desired.services or name in PROXIES:
            seen = f"there is no service {name} in this environment"
            remedy = did_you_mean(name, desired.services)
            raise Stop(ERROR, (failure("CLI005", name, seen, remedy=remedy),), desired.owner, desired.commit)
        names = [name]
    elif to:
        names = [other for other in sorted(desired.services) if other not in PROXIES]
    else:
        names = _last_deployed(source, desired, observed, views)
    found = [find_way(desired, observed, views.of(other), other, to) for other in names]
    ways = tuple(way for way in found if isinstance(way, Way))
    if not ways:
        refusals = [way for way in found if isinstance(way, NoWay)]
        raise Stop(REFUSED, tuple(map(_problem, refusals)), desired.owner, desired.commit)
    return ways


def _last_deployed(source: Source, desired: Desired, observed: Observed, views: Views) -> list[str]:
    for name, service in sorted(desired.services.items()):
        if service.is_rollback:
            way = find_way(desired, observed, views.of(name), name, "")
            if isinstance(way, NoWay):
                raise Stop(REFUSED, (_problem(way),), desired.owner, desired.commit)
    deployed = {
        n: deployed_at(desired, observed, views.of(n), n) for n in desired.services if n not in PROXIES
    }
    newest = _newest(source, {commit for commit in deployed.values() if commit})
    names = last_deployed(desired, deployed, newest)
    if not names:
        subject = f"Environment {desired.owner.environment}"
        problem = failure("CLI050", subject, "nothing was deployed yet", "a release before what runs")
        raise Stop(REFUSED, (problem,), desired.owner, desired.commit)
    return names


def _newest(source: Source, commits: set[str]) -> str:
    """The one that all others are ancestors of, as far as this history knows them."""
    known = [c for c, kin in source.lineage(sorted(commits)).items() if kin in _BEHIND]
    for commit in known:
        if all(kin in _BEHIND for kin in source.repository.lineage(commit, known).values()):
            return commit
    return source.commit


_BEHIND = (Kinship.SAME, Kinship.ANCESTOR)
_AHEAD = (Kinship.DESCENDANT, Kinship.UNRELATED)


def _problem(way: NoWay) -> Problem:
    return failure(way.code, f"Service {way.service_name}", way.seen, way.expected, way.remedy)


def _check(
    way: Way, options: Options, source: Source, observed: Observed, views: Views, is_pushed: bool
) -> None:
    """Raises Stop where nothing would be done, or the commit would not hold what runs."""
    subject, name = f"Service {way.service_name}", options.environment
    suspension = read_suspension(views.markers.get((SUSPEND, way.service_name)), observed.at)
    if suspension is not None:
        remedy = f"reconciler resume {name} {way.service_name}"
        problem = failure("CLI061", subject, f"it is suspended: {suspension.reason}", remedy=remedy)
        raise Stop(REFUSED, (problem,), commit=source.commit)
    if way.commit.endswith("-dirty"):
        seen, remedy = "what ran before came from a working tree, not from a commit", "--to another release"
        raise Stop(REFUSED, (failure("CLI051", subject, seen, remedy=remedy),), commit=source.commit)
    commits = {i.commit for i in views.of(way.service_name).live if not i.commit.endswith("-dirty")}
    ahead = [c for c, kin in source.lineage(sorted(commits)).items() if kin in _AHEAD]
    if is_pushed and ahead:
        seen = f"it runs from {ahead[0][:10]}, which is not in the history of what is tracked"
        problem = failure("CLI060", subject, seen, "what runs to be pushed", "git push")
        raise Stop(REFUSED, (problem,), commit=source.commit)


def with_release(source: Source, environment_name: str, path: str, text: str) -> Source:
    """The source as if the commit held this Release. Raises Stop where that has a mistake."""
    written, _ = load([SpecFile(path, text.encode())], path=source.path)
    key = ("Release", environment_name)
    document = written.documents[key]
    return replace(source, specs=SpecSet(source.specs.path, {**source.specs.documents, key: document}))


def _check_same(way: Way, after: Workspace) -> None:
    """What would run is what ran, bit by bit. Raises Stop."""
    service = after.desired.services[way.service_name]
    if service.form.fingerprint != way.to.generation.fingerprint:
        seen = f"commit {way.commit[:10]} does not say any more what ran: it was read under other rules"
        remedy = "go back in git: git revert; or --to another release"
        problem = failure("CLI051", f"Service {way.service_name}", seen, "the spec that ran", remedy)
        raise Stop(REFUSED, (problem,), after.owner, after.source.commit)


async def check_images(prepared: Prepared, clients: Clients) -> None:
    """Each image to go back to is on the engine, or in its registry. Raises Stop with 4, ProviderError."""
    refs = {way.service_name: wanted_image(prepared.after.desired, way) for way in prepared.ways}
    present = await clients.runtime.images([str(ref) for ref in refs.values()])
    for name, ref in refs.items():
        if str(ref) in present:
            continue
        registry = await clients.registry(ref)
        if await registry.digest(ref) is None:
            seen = f"{ref} is neither in its registry nor on the engine"
            problem = failure("CLI054", f"Service {name}", seen, "the image to go back to", _OTHER_IMAGE)
            raise Stop(REFUSED, (problem,), prepared.after.owner, prepared.source.commit)


_OTHER_IMAGE = "--to another release; or go back in git: git revert, which builds it again"


def wanted_image(desired: Desired, way: Way) -> ImageRef:
    """The image that would run, by digest."""
    ref = ImageRef.parse(way.to.image)
    own, digest = desired.services[way.service_name].image, ref.digest
    return ref if digest is None else own.ref.with_digest(digest)

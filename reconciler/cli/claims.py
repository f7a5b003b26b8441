"""The claims of pins that were not acted on yet: what git and the forge know of each, asked once a workspace
but for what could not be told."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from reconciler.cli.approvals import keys_here
from reconciler.cli.bringers import Entry, PinQuestion, entry_at
from reconciler.cli.envelope import Stop
from reconciler.cli.forge_reader import reader_here
from reconciler.cli.pin_facts import facts_of_pin
from reconciler.desired import Desired, DesiredService
from reconciler.fault import ProviderError
from reconciler.observed import Observed
from reconciler.pin_claim import PinClaim, RemovalClaim
from reconciler.pin_gates import PinFacts, Ran, says_the_same
from reconciler.view import ServiceView, group
from specs.check_release import release_path
from specs.promotion import Promotion
from specs.release import Evidence, ReleasedImage, ReleasedService

if TYPE_CHECKING:
    from reconciler.cli.workspace import Workspace

_PATIENCE: Final = 60.0
"""Seconds after which what could not be told is asked for again."""
_LOOK_BACK: Final = 500
"""Commits of one Release that are looked at."""


def with_claims(workspace: Workspace, desired: Desired, observed: Observed) -> Desired:
    """What is desired, with a claim at each pin of which nothing runs yet, and at each service that is to go
    and runs. Raises ProviderError."""
    following = desired.following
    if following is None or workspace.is_proposed:
        return desired
    name = desired.owner.environment
    begun = {(i.service_name, i.generation.fingerprint, i.generation.digest) for i in observed.instances}
    services, views = dict(desired.services), group(observed)
    for service_name, entry in workspace.source.specs.released(name).items():
        service = desired.services.get(service_name)
        if service is not None and service.pin is not None and _key(service) not in begun:
            claim = _claim_of(workspace, service, entry, _running(views.of(service_name)))
            services[service_name] = replace(service, claim=claim)
    live = {instance.service_name for instance in observed.instances}
    leaving = {
        service_name: _removal_of(workspace, service_name, entry)
        for service_name, entry in workspace.source.specs.removed(name).items()
        if service_name in live
    }
    return replace(desired, services=services, following=replace(following, leaving=leaving))


def _key(service: DesiredService) -> tuple[str, str, str]:
    return service.name, service.form.fingerprint, str(service.image.locked)


def _running(view: ServiceView) -> Ran | None:
    """What is followed now: the newest release or, without one, what lives."""
    for release in view.releases[:1]:
        return Ran(release.pin or release.commit, release.generation.digest)
    for instance in view.live[-1:]:
        return Ran(instance.pin or instance.commit, instance.generation.digest)
    return None


def _claim_of(
    workspace: Workspace, service: DesiredService, entry: ReleasedService, running: Ran | None
) -> PinClaim:
    key = f"{service.name} {running}"
    if not _is_fresh(workspace, key, workspace.claims.get(key)):
        history = _read_history(workspace, service.name, entry, is_job=service.form.spec.is_job)
        old = _followed(history, entry, running)
        promotion = _rules(workspace, history)
        facts = _facts(workspace, replace(history.question, old=old), promotion)
        workspace.claims[key] = PinClaim(old, entry, facts, promotion)
    return workspace.claims[key]


def _removal_of(workspace: Workspace, service_name: str, entry: Entry) -> RemovalClaim:
    if not _is_fresh(workspace, service_name, workspace.removals.get(service_name)):
        history = _read_history(workspace, service_name, entry)
        promotion = _rules(workspace, history)
        facts = _facts(workspace, history.question, promotion)
        workspace.removals[service_name] = RemovalClaim(facts, promotion)
    return workspace.removals[service_name]


def _is_fresh(workspace: Workspace, key: str, claim: PinClaim | RemovalClaim | None) -> bool:
    """Whether it need not be asked for again: what could not be told may be told later."""
    now = time.monotonic()
    asked_at = workspace.asked.get(key)
    if claim is not None and (not claim.is_unsure or (asked_at is not None and now - asked_at < _PATIENCE)):
        return True
    workspace.asked[key] = now
    return False


def _facts(workspace: Workspace, question: PinQuestion, promotion: Promotion) -> PinFacts:
    """What git knows of it, and the forge."""
    gates = promotion.gates
    signatures, reader = workspace.signatures, workspace.reader
    if gates.approvals and workspace.options.verb != "run":
        signatures = signatures or keys_here(question.repository.git)
        reader = reader or reader_here(os.environ, question.repository.origin().remote)
    return facts_of_pin(question, gates, signatures, reader)


@dataclass(frozen=True, slots=True)
class _History:
    """An entry, and the commits of the tracked line that changed its file, newest first."""

    question: PinQuestion
    commits: tuple[str, ...]
    path: str

    def at(self, commit: str) -> Entry | None:
        """The entry as a commit had it."""
        return entry_at(self.question, commit, self.path)


def _read_history(workspace: Workspace, service_name: str, entry: Entry, *, is_job: bool = False) -> _History:
    source, name = workspace.source, workspace.owner.environment
    question = PinQuestion(
        repository=source.repository,
        tip=source.commit,
        policy=source.commit,
        path=source.path,
        environment_name=name,
        service_name=service_name,
        source=workspace.effective.environment.follows or "",
        old=None,
        new=entry,
        is_job=is_job,
    )
    path = release_path(source.path, name)
    line = ("log", "--first-parent", "--format=%H", f"--max-count={_LOOK_BACK}", source.commit, "--", path)
    return _History(question, tuple(source.repository.git.read(*line).text.split()), path)


def _followed(history: _History, entry: ReleasedService, running: Ran | None) -> ReleasedService | None:
    """The entry of what runs, not the one before in git: a second edit must not hide the first."""
    if running is None:
        return None
    for commit in history.commits:
        found = history.at(commit)
        if isinstance(found, ReleasedService) and _is_of(found, running):
            return found
    images = {key: _with_digest(image, running.digest) for key, image in entry.images.items()}
    return entry.model_copy(update={"commit": running.commit, "images": images, "evidence": Evidence()})


def _is_of(entry: ReleasedService, running: Ran) -> bool:
    return entry.commit == running.commit and {it.digest for it in entry.images.values()} == {running.digest}


def _with_digest(image: ReleasedImage, digest: str) -> ReleasedImage:
    return image.model_copy(update={"digest": digest})


def _rules(workspace: Workspace, history: _History) -> Promotion:
    """The rules before the commit that brought it: one that takes a gate away and brings a pin is judged by
    the gate."""
    source, today = workspace.source, workspace.effective.environment.promotion
    brought = _brought(history)
    if brought is None:
        return today
    parents = source.repository.git.read("rev-list", "--parents", "--max-count=1", brought).text.split()[1:]
    if not parents:
        return today
    try:
        then = source.at(parents[0], source.path)
    except (Stop, ProviderError):
        return today  # its specs had a mistake then
    earlier = then.specs.environments.get(workspace.owner.environment)
    return today if earlier is None or earlier.follows is None else earlier.promotion


def _brought(history: _History) -> str | None:
    """The commit by which the tracked line came to say this, whatever evidence it said with it."""
    brought: str | None = None
    for commit in history.commits:
        if not _is_alike(history.at(commit), history.question.new):
            break
        brought = commit
    return brought


def _is_alike(found: Entry | None, new: Entry) -> bool:
    if isinstance(found, ReleasedService) and isinstance(new, ReleasedService):
        return says_the_same(found, new)
    return found is not None and type(found) is type(new)

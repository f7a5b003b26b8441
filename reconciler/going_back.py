"""Which release a rollback goes to, service by service. Pure.

What ran before is the newest release that is not what is desired now: while a new version is under way or
held, that is what it was to replace; else the release before the newest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.desired import Desired, DesiredService
from reconciler.observed import Instance, Observed
from reconciler.pin import standing
from reconciler.release import Release
from reconciler.render import short_commit
from reconciler.target import Target, desired_target, proved_release
from reconciler.view import ServiceView
from specs.proxy import PROXIES
from specs.release import InsteadOf, Refusal, ReleasedImage, ReleasedService

_WANTED = re.compile(r"[0-9a-f]{7,64}")
_MOST_REFUSED = 20


@dataclass(frozen=True, slots=True)
class Way:
    """The way back of one service: the release to go to, and the one that is desired now; None while that
    has not proved itself."""

    service_name: str
    to: Release
    now: Release | None

    @property
    def commit(self) -> str:
        """Where the documents of what it goes to were read."""
        return self.to.pin or self.to.commit


@dataclass(frozen=True, slots=True)
class NoWay:
    """Why there is none."""

    code: str
    service_name: str
    seen: str
    expected: str = ""
    remedy: str = ""


def find_way(
    desired: Desired, observed: Observed, view: ServiceView, service_name: str, to: str
) -> Way | NoWay:
    """Where a service goes back to; ``to``: the beginning of a commit or of a digest, empty for what ran
    before."""
    service = desired.services[service_name]
    target = desired_target(service, view, observed, desired.commit)
    now = proved_release(target, view)
    if to:
        return _named(service_name, view, target, now, to)
    if service.is_rollback:
        seen = f"it is rolled back to {short_commit(service.pin)} already"
        remedy = "name where to: --to COMMIT or DIGEST; or correct it in git"
        return NoWay("CLI055", service_name, seen, remedy=remedy)
    others = [release for release in view.releases if not _is_same(release, target)]
    if not others:
        seen = f"{'only what it is to run now' if view.releases else 'nothing of it'} has proved itself"
        remedy = f"reconciler status {desired.owner.environment}; or go back in git: git revert"
        return NoWay("CLI050", service_name, seen, "a release before it", remedy)
    return Way(service_name, others[0], now)


def _named(service_name: str, view: ServiceView, target: Target, now: Release | None, to: str) -> Way | NoWay:
    found = [release for release in view.releases if _is_meant(release, to)]
    if not found:
        known = ", ".join(f"{short_commit(r.commit)} {r.generation.digest[:19]}" for r in view.releases)
        expected = f"one of: {known}" if known else "a release that is remembered"
        return NoWay("CLI056", service_name, f"no release of it is from {to[:80]}", expected)
    if _is_same(found[0], target):
        return NoWay("CLI050", service_name, "that is what it is to run now", "another release")
    return Way(service_name, found[0], now)


def _is_meant(release: Release, to: str) -> bool:
    digits = to.removeprefix("sha256:")
    if not _WANTED.fullmatch(digits):
        return False
    _, _, digest = release.generation.digest.partition(":")
    commits = () if digits != to else (release.commit, release.pin)
    return any(text.startswith(digits) for text in (digest, *commits))


def _is_same(release: Release, target: Target) -> bool:
    """Spec and image are those of the target: other secrets make no other release to go back to."""
    seen = release.generation
    return seen.fingerprint == target.form.fingerprint and target.is_image_of(release.input, seen.digest)


def deployed_at(desired: Desired, observed: Observed, view: ServiceView, service_name: str) -> str | None:
    """The commit by which the service became what it is to be now; None where nothing of it was begun."""
    target = desired_target(desired.services[service_name], view, observed, desired.commit)
    now = proved_release(target, view)
    if now is not None:
        return now.commit
    begun: list[Instance] = [i for i in view.instances if target.is_generation_of(i)]
    return max(begun, key=lambda i: i.created_at).commit if begun else desired.commit


def last_deployed(desired: Desired, deployed: Mapping[str, str | None], newest: str) -> list[str]:
    """The services that the newest deploy changed: those that became what they are at its commit."""
    return sorted(
        name
        for name, commit in deployed.items()
        if commit == newest and name not in PROXIES and not desired.services[name].is_rollback
    )


def is_forward(way: Way, said: DesiredService) -> bool:
    """Whether the specs themselves say what is gone to: then no entry stands instead of them."""
    seen, image = way.to.generation, said.image
    same = seen.digest == image.locked.text if image.locked else way.to.input == image.input
    return same and seen.fingerprint == said.form.fingerprint


def make_entry(
    way: Way,
    said: DesiredService,
    image: tuple[str, str | None],
    before: ReleasedService | None,
    path: str,
    reason: str | None,
) -> ReleasedService:
    """The entry that says so. ``said``: the service as the specs themselves say it; ``image``: its image as
    the service then named it, and the repository of one of ours; ``before``: the entry until now."""
    refused = standing(said)
    key, repository = image
    released = ReleasedImage(
        digest=way.to.generation.digest,
        repository=repository,
        input=None if repository is None else way.to.input,
        reference=key if repository is None else None,
    )
    return ReleasedService(
        serial=before.serial + 1 if before else 1,
        commit=way.commit,
        path=path,
        images={key: released},
        refused=_refused(before, refused, reason),
        instead_of=refused,
    )


def _refused(before: ReleasedService | None, refused: InsteadOf, reason: str | None) -> tuple[Refusal, ...]:
    newest = Refusal(**refused.model_dump(), reason=reason or None)
    said = refused.model_dump()
    others = [it for it in (before.refused if before else ()) if it.model_dump(exclude={"reason"}) != said]
    return (*others, newest)[-_MOST_REFUSED:]

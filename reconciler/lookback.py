"""What made a service what it is: the version before beside the one that runs, or that would run. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.canonical import fields_of
from reconciler.desired import Desired, DesiredService, Fields
from reconciler.difference import Diff
from reconciler.observed import Instance, Observed
from reconciler.release import Release
from reconciler.secret_names import names_in, told
from reconciler.view import ServiceView, group


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a service. ``input`` is an image's input key, or the reference as written."""

    commit: str
    input: str
    digest: str | None
    secrets: str
    fields: Fields


@dataclass(frozen=True, slots=True)
class Lookback:
    """``before`` and ``after`` are what is compared: what runs and what is desired where these differ,
    else the version before and what runs. None where nothing is known."""

    service_name: str
    running: Version | None
    before: Version | None
    after: Version | None
    is_pending: bool

    @property
    def fields(self) -> tuple[Diff, ...]:
        """The fields that differ, ``applied`` being the value before and ``desired`` the one after."""
        if self.before is None or self.after is None:
            return ()
        one, other = self.before.fields, self.after.fields
        paths = sorted(path for path in {*one, *other} if one.get(path) != other.get(path))
        found = [Diff(path, "commit", other.get(path), one.get(path), None) for path in paths]
        if self.before.input != self.after.input:
            found.append(Diff("image", "commit", self.after.input, self.before.input, None))
        elif _other_bytes(self.before, self.after):
            after, before = (f"{v.input}@{v.digest}" for v in (self.after, self.before))
            found.append(Diff("image", "commit", after, before, None))
        if self.before.secrets != self.after.secrets and self.after.secrets:
            words = told(names_in(other))
            found.append(Diff("secrets", "commit", words, "the value before", None))
        return tuple(found)


def look_back(service_name: str, desired: Desired, observed: Observed) -> Lookback:
    """Compare the service's versions, as far as the runtime remembers them."""
    view = group(observed).of(service_name)
    running = _of_instance(view.live[-1]) if view.live else None
    service = desired.services.get(service_name)
    wanted = _of_service(service, desired, running) if service else None
    if running is not None and wanted is not None and _differ(running, wanted):
        return Lookback(service_name, running, running, wanted, True)
    return Lookback(service_name, running, _earlier(view, running), running, False)


def _differ(one: Version, other: Version) -> bool:
    other_secrets = bool(other.secrets) and one.secrets != other.secrets
    return (one.fields, one.input) != (other.fields, other.input) or other_secrets or _other_bytes(one, other)


def _other_bytes(one: Version, other: Version) -> bool:
    """The lock gave one reference another digest."""
    return None not in (one.digest, other.digest) and one.digest != other.digest


def _of_service(service: DesiredService, desired: Desired, running: Version | None) -> Version:
    # Without its secrets' values here, their digest is not compared.
    secrets = "" if service.missing_secrets else service.secrets_digest
    locked = service.image.locked.text if service.image.locked else None
    return Version(desired.commit, service.image.input, locked, secrets, service.form.fields)


def _of_instance(instance: Instance) -> Version:
    seen = instance.generation
    return Version(instance.commit, instance.input, seen.digest, seen.secrets, instance.applied_fields)


def _earlier(view: ServiceView, running: Version | None) -> Version | None:
    """The version that ran before: the kept instance's, else the newest release of another generation."""
    if running is None:
        return None
    kept = [_of_instance(i) for i in reversed(view.kept)]
    for version in [*kept, *(_of_release(r) for r in view.releases)]:
        if version is not None and _differ(version, running):
            return version
    return None


def _of_release(release: Release) -> Version | None:
    try:
        fields = fields_of(release.spec)
    except ValueError:
        return None
    seen = release.generation
    return Version(release.commit, release.input, seen.digest, seen.secrets, fields)

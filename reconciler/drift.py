"""Live against what was applied and what is desired, field by field: pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reconciler.deeds import Deed
from reconciler.desired import Subject
from reconciler.difference import Diff
from reconciler.observed import Instance, Traits
from reconciler.secret_names import secret_names, told
from reconciler.target import Target
from specs.proxy import PROXIES


@dataclass(frozen=True, slots=True)
class IgnoredDiff:
    """A live difference that a drift rule leaves alone."""

    path: str
    reason: str
    until: str | None


@dataclass(frozen=True, slots=True)
class ServiceDrift:
    """What differs in one service. ``missing`` instances that were applied are gone; ``extra`` ones are
    ours and one too many; ``heal`` names the verbs that would set it right."""

    service_name: str
    result: Literal["clean", "drifted", "cannot_tell"]
    diffs: tuple[Diff, ...] = ()
    missing: int = 0
    extra: tuple[Subject, ...] = ()
    heal: tuple[str, ...] = ()
    heal_steps: tuple[str, ...] = ()
    """The same in words, in order."""
    interrupts: float | None = None
    """For how many seconds a heal interrupts it at most."""
    withheld: str | None = None
    """Why nothing of it is done now, where that is so."""
    ignored: tuple[IgnoredDiff, ...] = ()
    pending: int = 0
    """Differences of origin commit."""
    since: float | None = None
    """The earliest beginning of a difference that anybody knows of."""
    seen: tuple[Deed, ...] = ()
    """What was done to it, by the runtime's own word, that can have brought this about."""


def live_diffs(instance: Instance, target: Target) -> tuple[Diff, ...]:
    """What differs between the live object and what was applied to it. A path that the runtime cannot
    see is not in the answer: cannot tell is not different. A network that other options made anew is in it
    with origin commit."""
    expected = instance.applied_fields or target.form.fields
    live = instance.live_fields
    diffs = [
        Diff(path, "live", target.form.fields.get(path), value, live[path])
        for path, value in expected.items()
        if path in live and live[path] != value
    ]
    return tuple(diffs + _network_diffs(instance, target))


def _network_diffs(instance: Instance, target: Target) -> list[Diff]:
    wanted = {use.object_name: use.name for use in target.form.networks}
    seen = set(instance.networks)
    # Other options in git make another object of the same network: an instance that is still on the one
    # before has not drifted, it is to follow a commit.
    before = {_stem(n): n for n in sorted(seen) if n not in wanted}
    moved = {n: before[_stem(n)] for n in wanted if n not in seen and _stem(n) in before}
    follow = [Diff(f"networks.{wanted[n]}", "commit", True, True, False) for n in moved]
    lost = [n for n in wanted if n not in seen and n not in moved]
    # A proxy joins a network for a route, which comes by a commit, once it has its work; it stays there until
    # all that it leads to has left.
    origin: Literal["live", "commit"] = "commit" if target.service.name in PROXIES else "live"
    gone = [Diff(f"networks.{wanted[n]}", origin, True, True, False) for n in lost]
    added = [n for n in sorted(seen) if n not in wanted and n not in moved.values()]
    return follow + gone + [Diff(f"networks.{n}", origin, False, False, True) for n in added]


def _stem(object_name: str) -> str:
    """The object name of a network without the digest of its options."""
    return object_name.rpartition("_")[0] or object_name


def commit_diffs(instance: Instance, target: Target) -> tuple[Diff, ...]:
    """What differs between what was applied to an instance and what is desired."""
    applied, desired = instance.applied_fields, target.form.fields
    paths = sorted(set(applied) | set(desired))
    diffs = [
        Diff(path, "commit", desired.get(path), applied.get(path), instance.live_fields.get(path))
        for path in paths
        if applied.get(path) != desired.get(path)
    ]
    if instance.input != target.input:
        diffs.append(Diff("image", "commit", target.input, instance.input, instance.image))
    elif not target.is_image_of(instance.input, instance.generation.digest):
        before = f"{instance.input}@{instance.generation.digest}"
        diffs.append(Diff("image", "commit", f"{target.input}@{target.digest}", before, instance.image))
    if instance.generation.secrets != target.secrets and not target.service.missing_secrets:
        words = told(secret_names(target.form))
        diffs.append(Diff("secrets", "commit", words, "the value then", None))
    return tuple(diffs)


def is_mendable(diff: Diff, traits: Traits) -> bool:
    """Whether the runtime can mend it without a new process."""
    if diff.path.startswith("networks."):
        return not diff.path.endswith(".mac_address")  # it is given when a container is made, and never after
    return diff.path.startswith(traits.mendable)

"""What of an entry has to be read again when refs have moved. When in doubt all of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from specs.environment import Environment, Tags

_HEADS = "refs/heads/"
_REMOTES = "refs/remotes/origin/"
_TAGS = "refs/tags/"


@dataclass(frozen=True, slots=True)
class Scope:
    """Names of environments to read; None is every one, the policy ref's own documents too."""

    names: frozenset[str] | None

    @property
    def is_nothing(self) -> bool:
        """Nothing that counts has moved."""
        return self.names is not None and not self.names

    def takes(self, environment_name: str) -> bool:
        """Whether this one is read."""
        return self.names is None or environment_name in self.names


EVERYTHING = Scope(None)


def scope_of(
    policy: str | None,
    environments: Mapping[str, Environment] | None,
    before: Mapping[str, str] | None,
    tips: Mapping[str, str],
) -> Scope:
    """Which environments may read another commit now than with ``before``.

    ``policy`` is the branch that the entry names, None the default one. Everything where its tip or HEAD has
    moved, and where nothing was read yet.
    """
    if before is None or environments is None:
        return EVERYTHING
    moved = {ref for ref in {*before, *tips} if before.get(ref) != tips.get(ref)}
    if any(not ref.startswith("refs/") for ref in moved) if policy is None else moved & _places(policy):
        return EVERYTHING
    return Scope(frozenset(name for name, found in environments.items() if _reads(found, moved)))


def _reads(environment: Environment, moved: Collection[str]) -> bool:
    tracks = environment.tracks
    if isinstance(tracks, Tags):
        names = (ref.removeprefix(_TAGS) for ref in moved if ref.startswith(_TAGS))
        return any(fnmatchcase(name, tracks.tags) for name in names)
    return tracks is not None and not _places(tracks).isdisjoint(moved)


def _places(branch: str) -> frozenset[str]:
    return frozenset((branch, f"{_HEADS}{branch}", f"{_REMOTES}{branch}"))

"""Whether what was pushed can matter to an entry of the Run file. When in doubt it can."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from specs.environment import Environment, Tags
from specs.run_repository import RunRepository

_HEADS = "refs/heads/"
_TAGS = "refs/tags/"


def is_tracked(
    entry: RunRepository,
    environments: Mapping[str, Environment] | None,
    tips: Mapping[str, str] | None,
    ref: str,
) -> bool:
    """Whether the entry's policy, or one of its environments, is read at this ref.

    ``environments`` and ``tips`` (full ref path, or HEAD → object id) are as they were last read; None before
    that.
    """
    if environments is None or tips is None:
        return True
    chosen = [environments[name] for name in entry.environments or environments if name in environments]
    return _is_policy(entry.ref, tips, ref) or any(_is_read_at(environment, ref) for environment in chosen)


def _is_policy(policy: str | None, tips: Mapping[str, str], ref: str) -> bool:
    """Without a name it is the default branch: one of those that HEAD was the same as."""
    if policy is not None:
        return ref == f"{_HEADS}{policy}"
    return ref.startswith(_HEADS) and tips.get(ref) == tips.get("HEAD")


def _is_read_at(environment: Environment, ref: str) -> bool:
    tracks = environment.tracks
    if isinstance(tracks, Tags):
        return ref.startswith(_TAGS) and fnmatchcase(ref.removeprefix(_TAGS), tracks.tags)
    return tracks is not None and ref in (tracks, f"{_HEADS}{tracks}")


def is_newer(tips: Mapping[str, str] | None, before: Iterable[tuple[str, str | None]]) -> bool:
    """Whether none of the refs stands any more where it stood before it was pushed: a remote of several
    machines may tell of a push before it shows it. Pairs of ref and what it was; None is not looked for."""
    return tips is None or not any(was is not None and tips.get(ref) == was for ref, was in before)

"""What an environment tracks, as a commit: the tip of a branch, or the newest tag of a pattern.

Only full ref paths are asked for, so that no tag poses as a branch and no branch as a tag.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from reconciler.cli.envelope import failure, warning
from reconciler.fault import ProviderError, Refused
from specs.environment import Tags
from specs.problem import Problem
from specs.semver import newest, read_version

if TYPE_CHECKING:
    from reconciler.repository import Repository, Tag

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Tracked:
    """The commit that counts now, by which ref; the tag where it came by one."""

    ref: str
    commit: str
    tag: Tag | None = None
    problems: tuple[Problem, ...] = ()
    """Warnings: what matched and could not count."""


def find_branch(repository: Repository, branch: str) -> Tracked:
    """The tip of a branch of this clone, or of its remote as it was last seen; a path below refs/ and HEAD
    are taken as they are. Raises ProviderError (GIT011 where there is none)."""
    from providers.git.ref import is_full_id

    if is_full_id(branch):
        seen = f"{branch} can be a commit and a branch"
        raise Refused("GIT009", f"git ref {branch}", seen, "the name of a branch", "rename the branch")
    if branch == "HEAD" or branch.startswith("refs/"):
        return Tracked(branch, repository.resolve(branch))
    heads = f"refs/heads/{branch}"
    try:
        return Tracked(heads, repository.resolve(heads))
    except ProviderError as error:
        if error.code != "GIT011":
            raise
    remote = f"refs/remotes/origin/{branch}"
    try:
        return Tracked(remote, repository.resolve(remote))
    except ProviderError as error:
        if error.code != "GIT011":
            raise
    raise Refused("GIT011", heads, f"there is no branch {branch}", "a branch", f"git fetch origin {branch}")


def find_tag(repository: Repository, tracks: Tags, environment_name: str) -> Tracked:
    """The newest tag of a pattern by semantic versioning. Raises ProviderError, Refused (GIT011) where no
    tag of it is a version."""
    subject = f"Environment {environment_name}"
    matching = tags_of(repository, tracks)
    tag_name = newest(matching, tracks.tags)
    if tag_name is None:
        seen = f"no tag {tracks.tags} that is a version"
        raise Refused("GIT011", subject, seen, "a tag such as v1.2.3", "git tag v0.1.0 && git push --tags")
    others = [name for name in matching if read_version(name, tracks.tags) is None]
    told = (_odd_tags(subject, others),) if others else ()
    tag = matching[tag_name]
    return Tracked(tag.ref, tag.commit, tag, told)


def tags_of(repository: Repository, tracks: Tags) -> Mapping[str, Tag]:
    """The tags that a pattern matches, versions or not, sorted by name. Raises ProviderError."""
    return {name: tag for name, tag in sorted(repository.tags().items()) if fnmatchcase(name, tracks.tags)}


def is_on_tags(repository: Repository, tracks: Tags, commit: str) -> bool:
    """Whether a tag of the pattern that is a version stands for the commit. Raises ProviderError."""
    matching = tags_of(repository, tracks).items()
    return any(tag.commit == commit and read_version(name, tracks.tags) for name, tag in matching)


def off_tags(tracks: Tags, environment_name: str, commit: str) -> Problem:
    """The refusal of a commit that no such tag stands for."""
    expected = "a commit that such a tag stands for"
    seen = f"{commit[:12]} is no version tagged {tracks.tags} here"
    remedy = "git fetch --tags, tag it, or say --off-branch"
    return failure("CLI004", f"Environment {environment_name}", seen, expected, remedy)


def _odd_tags(subject: str, tag_names: list[str]) -> Problem:
    more = f" and {len(tag_names) - _SHOWN} more" if len(tag_names) > _SHOWN else ""
    seen = f"tags that are no version do not count: {', '.join(tag_names[:_SHOWN])}{more}"
    return warning("POL001", subject, seen, "name versions as semver.org says, such as v1.2.3")

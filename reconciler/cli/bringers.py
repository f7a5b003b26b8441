"""Who brought an entry of a Release: the commit on the tracked line, and the one that wrote it. Blocking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from reconciler.pin_gates import Ran
from specs.check_release import release_path
from specs.load import SpecFile, load
from specs.release import ReleasedService, RemovedService
from specs.yaml_tree import MAX_FILE

if TYPE_CHECKING:
    from providers.git.repository import GitRepository

_LOOK_BACK: Final = 500
"""Commits of one Release that are looked at."""

Entry = ReleasedService | RemovedService
"""A pin, or what takes a service away."""


@dataclass(frozen=True, slots=True)
class PinQuestion:
    """A changed entry of a Release. ``tip``: the tracked commit that has it; ``policy``: the policy ref's;
    ``old``: the entry that is followed now."""

    repository: GitRepository
    tip: str
    policy: str
    path: str
    environment_name: str
    service_name: str
    source: str
    """The environment that is followed."""
    old: ReleasedService | None
    new: Entry
    ran: tuple[Ran, ...] = ()
    is_job: bool = False


@dataclass(frozen=True, slots=True)
class Bringers:
    """The commits that brought an entry: the one on the tracked line, and the one that wrote it where that
    line only merged it. ``head``: the last commit of the merged branch; None where nothing was merged."""

    line: str
    writer: str
    head: str | None = None

    @property
    def commits(self) -> tuple[str, ...]:
        """Each once."""
        return tuple(dict.fromkeys((self.line, self.writer)))

    @property
    def is_reviewable(self) -> bool:
        """An entry that only the merge itself has was reviewed by nobody."""
        return self.head is None or self.writer != self.line


def bringers(question: PinQuestion) -> Bringers | None:
    """The commits that brought the entry as it is at the tip; None where the clone is cut off before them, or
    the tip does not have it. Raises ProviderError."""
    git = question.repository.git
    path = release_path(question.path, question.environment_name)
    line = ("log", "--first-parent", "--format=%H", f"--max-count={_LOOK_BACK}", question.tip, "--", path)
    line_commits = git.read(*line).text.split()
    found = _oldest(question, line_commits, path)
    if found is None:
        return None
    parents = _parents(question.repository, found)
    if not parents and question.repository.is_shallow:
        return None
    if len(parents) < 2:
        return Bringers(found, found)
    head = parents[1]
    if entry_at(question, head, path) != question.new:
        return Bringers(found, found, head)
    merged = ("rev-list", f"--max-count={_LOOK_BACK}", found, f"^{parents[0]}", "--", path)
    others = [commit for commit in git.read(*merged).text.split() if commit != found]
    return Bringers(found, _writer(question, others, path) or head, head)


def _oldest(question: PinQuestion, commits: Sequence[str], path: str) -> str | None:
    """Of commits, newest first, the last of those in a row that have the entry."""
    found: str | None = None
    for commit in commits:
        if entry_at(question, commit, path) != question.new:
            return found
        found = commit
    return None if len(commits) == _LOOK_BACK else found


def _writer(question: PinQuestion, commits: Sequence[str], path: str) -> str | None:
    """Of commits of a merged branch, the one that has the entry while none of its parents has."""
    for commit in reversed(commits):
        if entry_at(question, commit, path) == question.new and all(
            entry_at(question, parent, path) != question.new
            for parent in _parents(question.repository, commit)
        ):
            return commit
    return None


def _parents(repository: GitRepository, commit: str) -> list[str]:
    return repository.git.read("rev-list", "--parents", "--max-count=1", commit).text.split()[1:]


def entry_at(question: PinQuestion, commit: str, path: str) -> Entry | None:
    """The entry as a commit has it; None without one that can be read."""
    git = question.repository.git
    size = git.ask("cat-file", "-s", f"{commit}:{path}")
    if size.status or not size.text.isdigit() or int(size.text) > MAX_FILE:
        return None
    answer = git.ask("cat-file", "blob", f"{commit}:{path}")
    if answer.status:
        return None
    specs, _ = load([SpecFile(path, answer.stdout)], path=question.path)
    name, service_name = question.environment_name, question.service_name
    return specs.released(name).get(service_name) or specs.removed(name).get(service_name)

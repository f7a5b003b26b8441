"""Which two commits an offline plan compares, and which of them still say something. Pure git, no network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.cli.envelope import Stop, failure, problem_of, warning
from reconciler.cli.exits import CANNOT_TELL, ERROR
from reconciler.cli.options import Options
from reconciler.cli.source import Source, read_ref
from reconciler.cli.workspace import Workspace, read_workspace
from reconciler.fault import ProviderError
from reconciler.render import escape, short_commit
from specs.problem import Problem

if TYPE_CHECKING:
    from providers.git.repository import GitRepository

_UNTOLD = ("GIT006", "GIT007", "GIT011")
"""Codes that say that the clone lacks something: that is no answer about the repository."""
_LOOK_BACK = 20


@dataclass(frozen=True, slots=True)
class Parting:
    """Full commit ids: ``before`` is where ``after`` parted from the base."""

    before: str
    after: str
    problems: tuple[Problem, ...] = ()


def find_parting(repository: GitRepository, base: str, ref: str | None) -> Parting:
    """Raises Stop with 3 where the clone cannot tell, with 1 where the two have no history in common."""
    try:
        after = _resolve(repository, ref or "HEAD")
        named = _resolve(repository, base)
        found = repository.merge_bases(named, after)
    except ProviderError as error:
        raise untold(error) from error
    if not found:
        seen = f"{short_commit(named)} and {short_commit(after)} have no history in common"
        expected, remedy = "a base that --ref comes from", "name another --base"
        raise Stop(ERROR, (failure("CLI101", f"--base {escape(base, 100)}", seen, expected, remedy),))
    return Parting(found[0], after, _several(found))


def untold(error: ProviderError) -> Stop:
    """How the command ends: what the clone lacks is no error in the repository."""
    return Stop(CANNOT_TELL if error.code in _UNTOLD else ERROR, (problem_of(error),))


def _resolve(repository: GitRepository, ref: str) -> str:
    try:
        return repository.resolve(ref)
    except ProviderError as error:
        if error.code != "GIT011" or ref == "HEAD":
            raise
        seen = f"{escape(ref, 100)} is not in this clone"
        expected, remedy = "a branch, tag or full id of this clone", repository.fetch_command(ref)
        raise ProviderError("GIT011", str(repository.path), seen, expected, remedy) from None


def _several(found: Sequence[str]) -> tuple[Problem, ...]:
    if len(found) < 2:
        return ()
    others = ", ".join(short_commit(commit) for commit in found[1:4])
    seen = f"the two branches were merged into one another: they parted at {others}, too"
    remedy = "merge the base into the branch, and compare again"
    return (warning("CLI102", f"commit {short_commit(found[0])}", f"compared with this; {seen}", remedy),)


@dataclass(slots=True)
class Earlier:
    """The commits that may be what runs: the one where the two parted, else the newest before it that a loop
    would have taken, for one with an error is refused and what ran before is kept."""

    repository: GitRepository
    parting: Parting
    path: str
    _read: list[Source | Stop] = field(default_factory=list)

    def environments(self) -> frozenset[str]:
        """The environments that there were; none where no commit can be read. Raises ProviderError."""
        for source in self._sources():
            if isinstance(source, Source):
                return frozenset(source.specs.environments)
        return frozenset()

    def workspace(self, options: Options) -> tuple[Workspace | None, tuple[Problem, ...]]:
        """The environment of ``options``; None where there was none. With a warning where that is not of the
        commit where the two parted. Raises Stop with 3 where no commit says it, ProviderError."""
        refused: list[Stop] = []
        for source in self._sources():
            if isinstance(source, Source):
                key = ("Environment", options.environment)
                if key not in source.specs.documents:
                    return None, self._told(options, source.commit, refused)
                # Of the past everything counts, and nothing of the working tree.
                past = replace(options, services=(), ref=source.commit)
                try:
                    found = read_workspace(past, source)
                    return found, self._told(options, source.commit, refused)
                except Stop as stop:
                    refused.append(stop)
            else:
                refused.append(source)
        raise Stop(CANNOT_TELL, self._told(options, None, refused))

    def _sources(self) -> Iterator[Source | Stop]:
        """Each commit from the parting on along first parents, as it reads."""
        commit: str | None = self.parting.before
        for index in range(_LOOK_BACK):
            if index == len(self._read):
                if index and commit is not None:
                    commit = self.repository.parent(commit)
                if commit is None:
                    return
                self._read.append(self._load(commit))
            found = self._read[index]
            commit = found.commit
            yield found

    def _load(self, commit: str) -> Source | Stop:
        try:
            return read_ref(self.repository, commit, self.path)
        except Stop as stop:
            return replace_commit(stop, commit)

    def _told(self, options: Options, commit: str | None, refused: list[Stop]) -> tuple[Problem, ...]:
        if not refused:
            return ()
        first = next((it for it in refused[0].problems if it.severity == "error"), None)
        subject = f"Environment {options.environment} at {short_commit(refused[0].commit or '')}"
        words = f"it has errors, so no loop takes it: {first}"
        if commit is None:
            remedy = "git fetch --unshallow, or name a --base that is valid"
            return (failure("CLI103", subject, f"{words}; nor does any before it say more", "", remedy),)
        seen = f"{words}; compared with {short_commit(commit)}, the newest before it that is valid"
        return (warning("CLI103", subject, seen),)


def replace_commit(stop: Stop, commit: str) -> Stop:
    """The same end, of this commit."""
    return Stop(stop.exit, stop.problems, stop.owner, commit)

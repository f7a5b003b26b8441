"""One environment as a loop reads it: what runs comes from the ref that it tracks; where it runs, where
credentials go and what is allowed, from the policy ref (contracts, section 9)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.cli.accepted_record import AcceptedRecord, RecordFile
from reconciler.cli.envelope import Stop, warning
from reconciler.cli.options import Options
from reconciler.cli.source import Source, read_ref, read_spec_files
from reconciler.cli.tracked import Tracked, find_branch, find_tag
from reconciler.cli.workspace import Admit, Workspace, read_workspace
from reconciler.fault import ProviderError
from specs.environment import Environment
from specs.load import load
from specs.policy_ref import under_policy
from specs.problem import Problem
from specs.spec_set import Written

if TYPE_CHECKING:
    from providers.git.repository import GitRepository
    from specs.run_repository import RunRepository


def find_policy(repository: GitRepository, ref: str | None) -> Tracked:
    """The policy ref's tip: the one named, else the remote's default branch. Raises ProviderError."""
    return find_branch(repository, ref or repository.default_branch() or "HEAD")


def read_policy(repository: GitRepository, entry: RunRepository) -> Source:
    """The documents at the policy ref's tip, noted for ``last_policy``. Raises Stop, ProviderError."""
    source = read_ref(repository, find_policy(repository, entry.ref).commit, entry.path)
    RecordFile.of(entry, "").write(AcceptedRecord(source.commit))
    return source


def last_policy(repository: GitRepository, entry: RunRepository) -> Source | None:
    """The policy ref as it could be read last: which environments there are to be kept as they were."""
    commit = RecordFile.of(entry, "").read().policy
    try:
        return read_ref(repository, commit, entry.path) if commit else None
    except (Stop, ProviderError):
        return None


def find_tracked(
    repository: GitRepository, policy: Tracked, environment: Environment, environment_name: str
) -> Tracked:
    """What an environment tracks; the policy ref where it does not say. Raises ProviderError."""
    if environment.tracks is None:
        return policy
    if isinstance(environment.tracks, str):
        return find_branch(repository, environment.tracks)
    return find_tag(repository, environment.tracks, environment_name)


def open_environment(
    repository: GitRepository, policy: Source, tracked: Tracked, options: Options, admit: Admit
) -> Workspace:
    """The environment at a commit, under the policy ref. Raises Stop, ProviderError."""
    if tracked.commit == policy.commit:
        source = replace(policy, problems=(*policy.problems, *tracked.problems))
        return read_workspace(options, source, admit)
    source = read_ref(repository, tracked.commit, options.path)
    documents, different = under_policy(source.specs, policy.specs)
    told = [
        _overruled(written)
        for written in different
        if written.kind == "Registry" or written.name == options.environment
    ]
    problems = (*source.problems, *tracked.problems, *told)
    return read_workspace(options, replace(source, specs=documents, problems=problems), admit)


def reviewed_environment(source: Source, environment_name: str) -> Environment | None:
    """The Environment as the remote's default branch has it: a commit that is not there yet does not decide
    what is tracked. None where this clone knows no such branch, or it has no such document."""
    if source.default_branch is None or source.mode != "live":
        return None
    try:
        tip = source.repository.resolve(f"refs/remotes/origin/{source.default_branch}")
        if tip == source.commit:
            return None
        tree = source.repository.tree(tip)
        documents, _ = load(read_spec_files(tree, tree.files("."), source.path), path=source.path)
    except ProviderError:
        return None
    return documents.environments.get(environment_name)


def _overruled(written: Written) -> Problem:
    seen = f"{written.place.file} is another on what is tracked: the policy ref's counts"
    return warning("POL002", written.subject, seen, "merge it into the policy ref")

"""Where an environment is: its owner, and the way to its engine, found without a commit that is valid.

People take their hands to a machine most of all when what is in git is broken.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.envelope import Stop, failure, warning
from reconciler.cli.exits import ERROR
from reconciler.cli.options import Options
from reconciler.cli.reach import Reach, endpoint_variable
from reconciler.cli.source import open_repository, open_worktree, read_spec_files
from reconciler.ownership import Owner
from reconciler.secrets import SecretStore, secrets_folder
from specs.environment import Environment
from specs.environment import Runtime as RuntimeSpec
from specs.load import load
from specs.problem import Problem, has_errors
from specs.service import Service
from specs.spec_set import SpecSet
from specs.suggest import did_you_mean

if TYPE_CHECKING:
    from reconciler.repository import Tree

_ANCESTORS = 50
"""How many commits back the Environment is looked for."""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """An owner and how its engine is reached. ``services``: those that the documents name; ``commit``: where
    they were read, None where git was not asked."""

    owner: Owner
    spec: RuntimeSpec
    services: frozenset[str] = frozenset()
    commit: str | None = None
    problems: tuple[Problem, ...] = ()

    def reach(self) -> Reach:
        """The way to its engine."""
        return Reach(self.owner.environment, self.spec, SecretStore(self.owner, secrets_folder(os.environ)))


def find_whereabouts(options: Options) -> Whereabouts:
    """By ``--project``, which asks no git; else by the Environment document of the commit or, where that
    one is broken, of the newest ancestor in which it can be read. Raises Stop, ProviderError."""
    name = options.environment
    if options.project:
        return Whereabouts(Owner(options.project, name), RuntimeSpec())
    nearest: set[str] = set()
    broken: str | None = None
    for commit, tree in _trees(options):
        spec_set, problems = load(read_spec_files(tree, tree.files("."), options.path), path=options.path)
        environments = _models(spec_set, Environment)
        broken = broken or (commit if has_errors(problems) else None)
        nearest |= environments.keys()
        found = environments.get(name)
        if isinstance(found, Environment):
            told = _tell(broken, options)
            services = frozenset(_models(spec_set, Service))
            return Whereabouts(Owner(found.project, name), found.runtime, services, commit, told)
        if not has_errors(problems):
            break  # it can be read whole, and names no such environment
    seen = f"there is no Environment {name} that can be read"
    remedy = did_you_mean(name, nearest)
    engine = f"its engine: {endpoint_variable(name)}, or docker's"
    by_hand = f"say which project it is: --project PROJECT ({engine})"
    problem = failure("CLI017", f"Environment {name}", seen, remedy=remedy or by_hand)
    raise Stop(ERROR, (problem,))


def _models(spec_set: SpecSet, kind: type[Environment | Service]) -> dict[str, Environment | Service]:
    return {
        written.name: written.model
        for written in spec_set.documents.values()
        if isinstance(written.model, kind)
    }


def _trees(options: Options) -> Iterator[tuple[str, Tree]]:
    """The working tree where it is asked for, then the commit and those before it."""
    repository = open_repository(options.repo)
    head = repository.resolve(options.ref or "HEAD")
    if options.worktree:
        yield head, open_worktree(str(Path(options.repo).resolve()))
    listed = repository.git.read("rev-list", "--first-parent", f"--max-count={_ANCESTORS}", head).text
    for commit in listed.split():
        yield commit, repository.tree(commit)


def _tell(broken: str | None, options: Options) -> tuple[Problem, ...]:
    if broken is None:
        return ()
    seen = f"the specs of {broken[:12]} have errors; this does not need them"
    return (warning("CLI017", f"Environment {options.environment}", seen, "reconciler validate"),)

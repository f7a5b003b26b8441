"""Verb ``validate``: loads and cross-checks the working tree. Offline: neither engine nor registry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.envelope import Report
from reconciler.cli.exits import DONE, ERROR
from reconciler.cli.options import Options
from reconciler.cli.source import open_worktree, read_file, read_spec_files
from reconciler.render import count
from specs.effective import effective
from specs.load import load
from specs.problem import Problem, has_errors, in_order
from specs.spec_set import SpecSet

if TYPE_CHECKING:
    from reconciler.desired import Json
    from reconciler.repository import Tree, TreeFile
    from specs.effective import Effective


_PLURALS = {"Registry": "Registries"}


def run(options: Options) -> Report:
    """Check every environment of the working tree, or one Run file. Raises Stop, ProviderError."""
    if options.config is not None:
        return _validate_run_file(Path(options.config))
    tree = open_worktree(options.repo)
    files = tree.files(".")
    spec_set, problems = load(read_spec_files(tree, files, options.path), path=options.path)
    if not has_errors(problems):
        found = [p for name in spec_set.environments for p in _check(spec_set, name, tree, files)]
        found += _check_pins(options, spec_set, tree, files)
        problems = in_order(problems + found)
    counts = spec_set.counts
    documents: dict[str, Json] = {kind: counts[kind] for kind in sorted(counts)}
    code = ERROR if has_errors(problems) else DONE
    members: dict[str, Json] = {"documents": documents}
    return Report(code, _text(counts, problems), members, mode="offline", problems=tuple(problems))


def _validate_run_file(path: Path) -> Report:
    from reconciler.cli.run_config import read_config

    kept = read_config(path).spec.repositories
    words = f"valid: {count(len(kept), 'repository', 'repositories')}\n"
    return Report(DONE, words, {"documents": {"Run": 1}}, mode="offline")


def _check(
    spec_set: SpecSet, environment_name: str, tree: Tree, files: Sequence[TreeFile]
) -> Iterator[Problem]:
    found, problems = effective(
        spec_set,
        environment_name,
        file_paths={file.path for file in files},
        read_file=lambda path: read_file(tree, files, path),
    )
    if spec_set.environments[environment_name].follows is not None:
        yield from map(as_promoted, problems)
        return
    yield from problems
    if found and found.configs:
        from reconciler.cli.configs import know_configs

        yield from know_configs(found, files).problems
    if found and found.images:
        yield from _check_images(spec_set, environment_name, tree, found)


def as_promoted(problem: Problem) -> Problem:
    """What is wrong with an environment that follows another if all were promoted as it is now: nothing that
    runs there depends on it yet."""
    return replace(problem, severity="warning", seen=f"if it were promoted now: {problem.seen}")


def _check_pins(
    options: Options, spec_set: SpecSet, tree: Tree, files: Sequence[TreeFile]
) -> Iterator[Problem]:
    """What pins say, as far as this clone can read it."""
    names = [name for name, environment in spec_set.environments.items() if environment.follows]
    if not any(spec_set.released(name) for name in names):
        return
    from reconciler.cli.followed import check_followed
    from reconciler.cli.source import Source, open_repository
    from reconciler.fault import ProviderError

    repository = open_repository(options.repo)
    try:
        commit = repository.resolve("HEAD")
    except ProviderError:
        return  # nothing is committed yet
    source = Source(repository, tree, commit, options.path, "offline", spec_set, files)
    for name in names:
        yield from check_followed(source, name)


def _check_images(
    spec_set: SpecSet, environment_name: str, tree: Tree, found: Effective
) -> Iterator[Problem]:
    # Most of the time of a small command is its imports.
    from reconciler.cli.images import know_images, problem_of_image
    from reconciler.ownership import Owner

    owner = Owner(found.environment.project, environment_name)
    for name, known in know_images(owner, tree, found, spec_set.locks).items():
        yield from (problem_of_image(name, problem) for problem in known.inputs.problems)


def _text(counts: dict[str, int], problems: list[Problem]) -> str:
    errors = sum(problem.severity == "error" for problem in problems)
    if errors:
        return ""
    listed = ", ".join(count(number, kind, _PLURALS.get(kind, "")) for kind, number in sorted(counts.items()))
    warnings = f"; {count(len(problems), 'warning')}" if problems else ""
    return f"valid: {listed}{warnings}\n"

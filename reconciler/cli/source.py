"""Where the specs come from: a commit of a clone, a remote repository, or a working tree."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.envelope import Stop, failure, warning
from reconciler.cli.exits import ERROR, REFUSED
from reconciler.cli.options import Options
from reconciler.cli.tracked import is_on_tags, off_tags
from reconciler.fault import ProviderError, Refused
from specs.environment import Environment, Tags
from specs.known_files import KnownFiles
from specs.load import SpecFile, files_to_read, is_spec_path, load
from specs.problem import Problem, has_errors
from specs.spec_set import SpecSet
from specs.yaml_tree import MAX_FILE

if TYPE_CHECKING:
    from providers.git.repository import GitRepository
    from reconciler.desired import Kinship
    from reconciler.repository import Repository, Tree, TreeFile

_URL = re.compile(r"^(https?|ssh|git)://|^[\w.-]+@[\w.-]+:")
_TREE_KINDS = (0o120000, 0o160000)
_KNOWN: dict[tuple[Path, str], KnownFiles] = {}
"""By repository and spec path: as many as the Run file names, and nothing of one is looked up for another."""


@dataclass(frozen=True, slots=True)
class Source:
    """One state of one repository, its files listed and its specs loaded.

    ``commit`` is a full id; for a working tree with changes it is HEAD's with ``-dirty`` after it, which is
    related to no commit.
    """

    repository: GitRepository
    tree: Tree
    commit: str
    path: str
    mode: str
    specs: SpecSet
    files: Sequence[TreeFile] = field(repr=False)
    problems: tuple[Problem, ...] = ()
    default_branch: str | None = None
    """The remote's, where this clone knows it: what an environment tracks that names nothing."""

    @property
    def label(self) -> str:
        """The text of the label ``reconciler.source``."""
        from reconciler.source import source_text

        origin = self.repository.origin()
        return source_text(origin.remote, origin.first_commit, self.path)

    def read_file(self, path: str) -> bytes | None:
        """The content of a file; None where there is none, or a link. Raises ProviderError."""
        return read_file(self.tree, self.files, path)

    def at(self, commit: str, path: str) -> Source:
        """Another commit of the same repository. Raises Stop, ProviderError."""
        tree = self.repository.tree(commit)
        files = tree.files(".")
        spec_set, problems = load(read_spec_files(tree, files, path), path=path)
        if has_errors(problems):
            raise Stop(ERROR, tuple(problems), commit=commit)
        return replace(self, tree=tree, commit=commit, path=path, specs=spec_set, files=files, problems=())

    def lineage(self, others: Sequence[str]) -> Mapping[str, Kinship]:
        """Each of the commits as related to this one."""
        head = self.commit.removesuffix("-dirty")
        return self.repository.lineage(head, sorted({other for other in others if other}))


def is_url(repo: str) -> bool:
    """Whether ``--repo`` names a remote repository rather than a folder."""
    return bool(_URL.match(repo))


def open_source(options: Options) -> Source:
    """Open the repository and load the specs. Raises Stop with every problem of the specs, ProviderError."""
    repository = open_repository(options.repo)
    return _read_worktree(repository, options) if options.worktree else read_commit(repository, options)


def open_repository(repo: str) -> GitRepository:
    """The clone around a folder, or a remote repository fetched into the cache. Raises ProviderError."""
    if is_url(repo):
        from providers.git.cache import fetch_repository

        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reconciler" / "git"
        return fetch_repository(repo, cache)
    from providers.git.repository import GitRepository

    return GitRepository(Path(repo).resolve())


def open_worktree(repo: str) -> Tree:
    """The working tree around a folder. Raises ProviderError."""
    from providers.git.command import GitCommand
    from providers.git.repository import GitRepository
    from providers.worktree.tree import WorkTree

    repository = GitRepository(Path(repo).resolve())
    trusted = repository.git.trusted
    if repository.root is None:
        remedy = "name a commit with --ref"
        raise Refused("CLI001", repo, "a bare repository has no working tree", "a clone", remedy)
    return WorkTree(repository.root, GitCommand(repository.root, trusted=trusted))


def read_ref(repository: GitRepository, ref: str, path: str) -> Source:
    """The specs of a ref of an open repository. Raises Stop, ProviderError."""
    commit = repository.resolve(ref)
    return _load(repository, repository.tree(commit), commit, path, "live", ())


def read_commit(repository: GitRepository, options: Options) -> Source:
    """The specs of ``--ref``; a warning where the working tree has others. Raises Stop, ProviderError."""
    commit = repository.resolve(options.ref or "HEAD")
    warnings: tuple[Problem, ...] = ()
    if options.ref is None and not is_url(options.repo):
        warnings = tuple(_warn(path) for path in repository.uncommitted([options.path]))
    return _load(repository, repository.tree(commit), commit, options.path, "live", warnings)


def _read_worktree(repository: GitRepository, options: Options) -> Source:
    if options.ref is not None or is_url(options.repo):
        remedy = "leave out --ref, and name a folder with --repo"
        raise Stop(ERROR, (failure("CLI001", "--worktree", "a working tree has no ref", remedy=remedy),))
    head = repository.resolve("HEAD")
    commit = f"{head}-dirty" if repository.uncommitted(["."]) else head
    return _load(repository, open_worktree(options.repo), commit, options.path, "worktree", ())


def _warn(path: str) -> Problem:
    return warning("CLI002", path, "changed and not committed: what is committed counts", "git commit it")


def _load(
    repository: GitRepository, tree: Tree, commit: str, path: str, mode: str, warnings: tuple[Problem, ...]
) -> Source:
    files = tree.files(".")
    known = _KNOWN.setdefault((repository.path, path), KnownFiles())
    spec_set, problems = load(read_spec_files(tree, files, path), path=path, known=known)
    if has_errors(problems):
        raise Stop(ERROR, (*warnings, *problems), commit=commit)
    all_problems, default_branch = (*warnings, *problems), repository.default_branch()
    return Source(repository, tree, commit, path, mode, spec_set, files, all_problems, default_branch)


def read_spec_files(tree: Tree, files: Sequence[TreeFile], path: str) -> list[SpecFile]:
    """The spec files of a tree; what is no file comes without content. Raises ProviderError."""
    chosen = [file for file in files if is_spec_path(file.path, path)]
    plain = [file for file in chosen if file.mode not in _TREE_KINDS]
    sizes = tree.sizes(plain)
    fit = frozenset(files_to_read(sizes))
    contents = tree.read([file for file in plain if file.path in fit])
    return [
        SpecFile(file.path, contents.get(file.path, b""), file.mode, sizes.get(file.path)) for file in chosen
    ]


def read_file(tree: Tree, files: Sequence[TreeFile], path: str) -> bytes | None:
    """The content of a file of a tree; None where there is none, or a link. Raises ProviderError."""
    chosen = [file for file in files if file.path == path and file.mode not in _TREE_KINDS]
    if not chosen:
        return None
    if tree.sizes(chosen).get(path, 0) > MAX_FILE:
        seen = f"a file of more than {MAX_FILE >> 10} KiB"
        raise Refused("SRC005", path, seen, "a file of lines NAME=VALUE", "make it smaller, or use a Config")
    return tree.read(chosen).get(path)


def check_worktree(environment: Environment, environment_name: str) -> None:
    """A working tree is for environments that say so. Raises Stop with 4."""
    if environment.worktree != "allow":
        seen = "a working tree is refused here: what runs must be a commit"
        remedy = "commit, or write worktree: allow into this Environment"
        raise Stop(REFUSED, (failure("CLI003", f"Environment {environment_name}", seen, remedy=remedy),))


def check_branch(source: Source, environment: Environment, environment_name: str) -> None:
    """The commit must be on what the environment tracks. Raises Stop with 4, ProviderError."""
    branch = source.default_branch if environment.tracks is None else environment.tracks
    if branch is None or source.mode != "live":
        return
    if isinstance(branch, Tags):
        if not is_on_tags(source.repository, branch, source.commit):
            problem = off_tags(branch, environment_name, source.commit)
            raise Stop(REFUSED, (problem,), commit=source.commit)
        return
    places = (f"refs/heads/{branch}", f"refs/remotes/origin/{branch}")
    tips = [tip for tip in (_tip(source.repository, ref) for ref in places) if tip]
    from reconciler.desired import Kinship

    on_branch = (Kinship.SAME, Kinship.ANCESTOR)
    if any(source.repository.lineage(tip, [source.commit])[source.commit] in on_branch for tip in tips):
        return
    subject, commit = f"Environment {environment_name}", source.commit[:12]
    seen = f"{commit} is not on {branch}" if tips else f"there is no branch {branch} here"
    remedy = f"merge it into {branch}, or say --off-branch" if tips else f"git fetch origin {branch}"
    problem = failure("CLI004", subject, seen, f"a commit of {branch}, which the environment tracks", remedy)
    raise Stop(REFUSED, (problem,), commit=source.commit)


def _tip(repository: Repository, ref: str) -> str | None:
    try:
        return repository.resolve(ref)
    except ProviderError:
        return None

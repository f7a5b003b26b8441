"""How a loop reaches the repository of an entry: a folder of this machine, or a clone of a remote."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from reconciler.cli.github_app import account_of, forget_token, installation_token
from reconciler.fault import ProviderError
from specs.run_repository import RunRepository

if TYPE_CHECKING:
    from providers.git.access import Access
    from providers.git.repository import GitRepository

Answer = TypeVar("Answer")
_NO_LOGIN: Final = "GIT013"
_opened: Final[set[str]] = set()
"""URLs whose clone this process has fetched: what an earlier one left is looked at first."""


def list_tips(entry: RunRepository) -> Mapping[str, str]:
    """What HEAD and each ref name now, without fetching anything. Raises ProviderError."""
    if entry.folder is not None:
        return _local_tips(_local(entry))
    from providers.git import remote

    return logged_in(entry, lambda access: remote.list_tips(entry.url or "", cache_folder(), access))


def open_entry(entry: RunRepository, tips: Mapping[str, str] | None = None) -> GitRepository:
    """The repository, fetched where it is a remote one; ``tips`` is what was listed a moment ago.
    Raises ProviderError."""
    if entry.folder is not None:
        return _local(entry)
    from providers.git.cache import fetch_repository

    def fetch(access: Access) -> GitRepository:
        is_trusted = entry.url in _opened
        return fetch_repository(
            entry.url or "", cache_folder(), access=access, listed=tips, is_trusted=is_trusted
        )

    repository = logged_in(entry, fetch)
    _opened.add(entry.url or "")
    return repository


def cache_folder() -> Path:
    """Where clones of remote repositories are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reconciler" / "git"


def _local(entry: RunRepository) -> GitRepository:
    from providers.git.repository import GitRepository

    return GitRepository(Path(entry.folder or "/"))


def logged_in(entry: RunRepository, ask: Callable[[Access], Answer]) -> Answer:
    """Ask with the login of the entry; once more with a fresh token where the remote takes it no longer."""
    from providers.git.access import Access, SshFiles

    if entry.github_app is None:
        ssh = SshFiles(Path(entry.ssh.identity), Path(entry.ssh.known_hosts)) if entry.ssh else None
        return ask(Access(Path(entry.credential) if entry.credential else None, ssh))
    account = account_of(entry.github_app)
    token = installation_token(entry.github_app)
    try:
        return ask(Access(token=token, account=account))
    except ProviderError as error:
        if error.code != _NO_LOGIN:
            raise
        forget_token(entry.github_app)
    return ask(Access(token=installation_token(entry.github_app), account=account))


def _local_tips(repository: GitRepository) -> Mapping[str, str]:
    listed = repository.git.read("for-each-ref", "--format=%(refname) %(objectname)").text.splitlines()
    head = repository.git.ask("rev-parse", "--verify", "--quiet", "HEAD").text
    return {**dict(line.split(" ", 1) for line in listed), "HEAD": head}

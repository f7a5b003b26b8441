"""How a loop reaches the repository of an entry: a folder of this machine, or a clone of a remote."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from specs.run_repository import RunRepository

if TYPE_CHECKING:
    from providers.git.access import Access
    from providers.git.repository import GitRepository


def list_tips(entry: RunRepository) -> Mapping[str, str]:
    """What HEAD and each ref name now, without fetching anything. Raises ProviderError."""
    if entry.folder is not None:
        return _local_tips(_local(entry))
    from providers.git import remote

    return remote.list_tips(entry.url or "", cache_folder(), _access(entry))


def open_entry(entry: RunRepository, tips: Mapping[str, str] | None = None) -> GitRepository:
    """The repository, fetched where it is a remote one; ``tips`` is what was listed a moment ago.
    Raises ProviderError."""
    if entry.folder is not None:
        return _local(entry)
    from providers.git.cache import fetch_repository

    return fetch_repository(entry.url or "", cache_folder(), access=_access(entry), listed=tips)


def cache_folder() -> Path:
    """Where clones of remote repositories are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reconciler" / "git"


def _local(entry: RunRepository) -> GitRepository:
    from providers.git.repository import GitRepository

    return GitRepository(Path(entry.folder or "/"))


def _access(entry: RunRepository) -> Access:
    from providers.git.access import Access, SshFiles

    ssh = SshFiles(Path(entry.ssh.identity), Path(entry.ssh.known_hosts)) if entry.ssh else None
    return Access(Path(entry.credential) if entry.credential else None, ssh)


def _local_tips(repository: GitRepository) -> Mapping[str, str]:
    listed = repository.git.read("for-each-ref", "--format=%(refname) %(objectname)").text.splitlines()
    head = repository.git.ask("rev-parse", "--verify", "--quiet", "HEAD").text
    return {**dict(line.split(" ", 1) for line in listed), "HEAD": head}

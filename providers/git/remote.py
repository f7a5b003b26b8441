"""The refs of a clone's remote, asked for without fetching anything."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from providers.git.access import ANYBODY, Access
from providers.git.cache import LISTED, homeless, reaching, read_listing
from providers.git.command import GitCommand
from providers.git.repository import GitRepository
from providers.git.url import normal_url, parse_url

LIST_TIMEOUT = 60.0
_HEAD = re.compile(r"ref: refs/heads/(\S+)\tHEAD")
_LINE = re.compile(r"([0-9a-f]{40,64})\t(refs/\S+)")


@dataclass(frozen=True, slots=True)
class RemoteRefs:
    """What a remote holds: its place as ``host/path``, its default branch, and ids by full ref path."""

    place: str
    default_branch: str | None
    refs: Mapping[str, str]


def list_remote(repository: GitRepository, timeout: float) -> RemoteRefs | None:
    """Ask the remote of a clone; None where it has none. The user's ssh agent and known hosts are used, no
    other login. Blocking, at most ``timeout`` seconds. Raises ProviderError."""
    url = repository.remote_url()
    if url is None:
        return None
    remote = parse_url(url, allow_file=True)
    git = GitCommand(repository.path, protocols=(remote.protocol,), trusted=repository.git.trusted)
    words = ("ls-remote", "--symref", "--end-of-options", remote.text)
    with reaching(remote, ANYBODY) as options:
        answer = git.read(*options, *words, timeout=timeout)
    head = _HEAD.search(answer.text)
    refs = {match[2]: match[1] for match in _LINE.finditer(answer.text)}
    return RemoteRefs(normal_url(url), head[1] if head else None, refs)


def list_tips(
    url: str, cache: Path, access: Access = ANYBODY, timeout: float = LIST_TIMEOUT
) -> Mapping[str, str]:
    """What HEAD and each branch and tag of a remote that may not be cloned yet name now, and under
    ``cache.DEFAULT_BRANCH`` which of them HEAD is. Fetches nothing. Raises ProviderError."""
    remote = parse_url(url)
    cache.mkdir(parents=True, exist_ok=True)
    # No repository is needed, and none is looked for: a broken clone must not be in the way.
    git = GitCommand(
        cache, protocols=(remote.protocol,), quarantine=(("GIT_DIR", os.devnull), *homeless(remote))
    )
    with reaching(remote, access) as options:
        words = ("ls-remote", "--symref", "--end-of-options", remote.text, *LISTED)
        return read_listing(git.read(*options, *words, timeout=timeout).text)

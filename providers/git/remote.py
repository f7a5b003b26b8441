"""The refs of a clone's remote, asked for without fetching anything."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from providers.git.cache import OPTIONS, SSH, pinned
from providers.git.command import GitCommand
from providers.git.repository import GitRepository
from providers.git.url import normal_url, parse_url

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
    options = [part for option in (*OPTIONS, SSH) for part in ("-c", option)]
    options += pinned(remote)
    answer = git.read(*options, "ls-remote", "--symref", "--end-of-options", remote.text, timeout=timeout)
    head = _HEAD.search(answer.text)
    refs = {match[2]: match[1] for match in _LINE.finditer(answer.text)}
    return RemoteRefs(normal_url(url), head[1] if head else None, refs)

"""Clones of remote repositories in a cache folder: bare, complete, and named by a hash of their URL."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from providers.git.access import ANYBODY, Access, login_settings
from providers.git.breakage import drop_leftovers, has_tips, is_sound, set_aside
from providers.git.command import GitCommand
from providers.git.host import resolve_host
from providers.git.repository import GitRepository
from providers.git.url import RemoteUrl, parse_url
from reconciler.fault import ProviderError

FETCH_TIMEOUT = 600.0
MOST_BYTES = 4 << 30
_WANTED = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
LISTED = ("HEAD", "refs/heads/*", "refs/tags/*")
OPTIONS = (
    "http.followRedirects=false",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=30",
    "fetch.fsckObjects=true",
    "transfer.fsckObjects=true",
    "transfer.unpackLimit=1",
    "protocol.version=2",
)
DEFAULT_BRANCH = "default branch"
"""Beside the refs of a listing: which of them HEAD is. No ref has a space in its name."""
_HEAD = re.compile(r"ref: (refs/heads/\S+)\tHEAD")


def fetch_repository(
    url: str,
    cache: Path,
    allow_file: bool = False,
    access: Access = ANYBODY,
    timeout: float = FETCH_TIMEOUT,
    listed: Mapping[str, str] | None = None,
    most_bytes: int = MOST_BYTES,
    is_trusted: bool = True,
) -> GitRepository:
    """Clone or update ``url`` in ``cache`` and give its repository, HEAD being the remote's default branch.

    ``listed`` is what ``list_tips`` said a moment ago, if it was asked. Redirects are refused, objects are
    checked, no pack is larger than ``most_bytes``. Raises ProviderError: what failed leaves nothing of a new
    clone, and an older one as it was; one that is broken is set aside and made again. Whether it is, is asked
    when a fetch fails, and before it where the clone is not ``is_trusted``.
    """
    remote = parse_url(url, allow_file)
    folder = clone_folder(remote, cache, access)
    git = GitCommand(folder, (remote.protocol,), quarantine=homeless(remote), most_bytes=most_bytes)
    with reaching(remote, access) as options:
        if (folder / "HEAD").exists() and (is_trusted or has_tips(git)):
            try:
                _fetch(git, options, remote.text, timeout, listed)
                return GitRepository(folder)
            except ProviderError:
                drop_leftovers(folder)
                if is_sound(git):
                    raise
        set_aside(folder)
        folder.mkdir(parents=True)
        try:
            git.read("init", "--quiet", "--bare", "--template=", "--initial-branch=main")
            git.read("config", "remote.origin.url", remote.text)
            _fetch(git, options, remote.text, timeout, listed)
        except ProviderError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    return GitRepository(folder)


def clone_folder(remote: RemoteUrl, cache: Path, access: Access) -> Path:
    """Where the clone of a remote lies; two logins are two clones."""
    name = hashlib.sha256(f"{remote.text}\n{access.name}".encode()).hexdigest()[:32]
    return cache / f"{name}.git"


def homeless(remote: RemoteUrl) -> tuple[tuple[str, str], ...]:
    """Variables by which curl finds no ``.netrc`` of the user, and so no other login than the one named."""
    return (("HOME", "/nonexistent"),) if remote.protocol in ("http", "https") else ()


@contextmanager
def reaching(remote: RemoteUrl, access: Access) -> Iterator[list[str]]:
    """Options of git for every question to a remote, good until the block ends. Raises Refused (GIT012)."""
    settings = [part for option in OPTIONS for part in ("-c", option)] + pinned(remote)
    with login_settings(remote, access) as login:
        yield settings + login


def pinned(remote: RemoteUrl) -> list[str]:
    """Options that keep a fetch over https to the address that was looked at. Raises Refused (GIT012)."""
    if remote.protocol not in ("https", "ssh"):
        return []
    port = remote.port or (443 if remote.protocol == "https" else 22)
    address = resolve_host(remote.host, port)
    if address is None or remote.protocol != "https":
        return []
    return ["-c", f"http.curloptResolve={remote.host}:{port}:{address}"]


def _fetch(
    git: GitCommand, options: list[str], url: str, timeout: float, listed: Mapping[str, str] | None
) -> None:
    if listed is None:
        heads = git.read(*options, "ls-remote", "--symref", "--end-of-options", url, *LISTED, timeout=timeout)
        listed = read_listing(heads.text)
    branch = listed.get(DEFAULT_BRANCH)
    if not listed and git.ask("for-each-ref", "--count=1").text:
        raise _empty(url)
    # A page that is no repository's is read by git as a listing without refs, and would prune them all: what
    # was listed must be there.
    required = [f"+{branch}:{branch}"] if branch is not None and branch in listed else []
    git.read(
        *options,
        "fetch",
        "--quiet",
        "--prune",
        "--no-tags",
        "--no-recurse-submodules",
        "--no-write-fetch-head",
        "--end-of-options",
        url,
        *required,
        *_WANTED,
        timeout=timeout,
    )
    if branch is not None and (git.folder / "HEAD").read_text().strip() != f"ref: {branch}":
        git.read("symbolic-ref", "HEAD", branch)


def _empty(url: str) -> ProviderError:
    return ProviderError(
        "GIT016",
        f"repository {url}",
        "it names no branch any more, or what answers is no repository",
        "the branches and tags that it had",
        "look at the URL and at what answers there; what was fetched before is kept",
    )


def read_listing(text: str) -> Mapping[str, str]:
    """What ``ls-remote --symref`` printed: ids by ref, and under DEFAULT_BRANCH the path of HEAD's branch."""
    pairs = (line.partition("\t") for line in text.splitlines())
    found = {name: object_id for object_id, _, name in pairs if name and " " not in object_id}
    head = _HEAD.search(text)
    return {**found, DEFAULT_BRANCH: head[1]} if head else found

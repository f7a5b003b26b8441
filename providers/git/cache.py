"""Clones of remote repositories in a cache folder: bare, complete, and named by a hash of their URL."""

from __future__ import annotations

import hashlib
import re
import shlex
import shutil
from pathlib import Path

from providers.git.command import GitCommand
from providers.git.host import resolve_host
from providers.git.repository import GitRepository
from providers.git.url import RemoteUrl, parse_url
from reconciler.fault import ProviderError

FETCH_TIMEOUT = 600.0
_WANTED = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
OPTIONS = (
    "http.followRedirects=false",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=30",
    "fetch.fsckObjects=true",
    "transfer.fsckObjects=true",
    "transfer.unpackLimit=1",
    "protocol.version=2",
    "credential.helper=",
)
SSH = "core.sshCommand=ssh -oBatchMode=yes -oStrictHostKeyChecking=yes -oConnectTimeout=20"
_HEAD = re.compile(r"ref: (refs/heads/\S+)\tHEAD")


def fetch_repository(
    url: str,
    cache: Path,
    allow_file: bool = False,
    credentials: Path | None = None,
    timeout: float = FETCH_TIMEOUT,
) -> GitRepository:
    """Clone or update ``url`` in ``cache`` and give its repository, HEAD being the remote's default branch.

    ``credentials`` is a file as git-credential-store(1) reads it; nothing else of the user is asked.
    Redirects are refused, objects are checked. Raises ProviderError; a clone that failed leaves nothing.
    """
    remote = parse_url(url, allow_file)
    folder = clone_folder(remote, cache, credentials)
    is_new = not (folder / "HEAD").exists()
    folder.mkdir(parents=True, exist_ok=True)
    git = GitCommand(folder, protocols=(remote.protocol,))
    try:
        if is_new:
            git.read("init", "--quiet", "--bare", "--template=", "--initial-branch=main")
            git.read("config", "remote.origin.url", remote.text)
        _fetch(git, settings_of(remote, credentials), remote.text, timeout)
    except ProviderError:
        if is_new:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    return GitRepository(folder)


def clone_folder(remote: RemoteUrl, cache: Path, credentials: Path | None) -> Path:
    """Where the clone of a remote lies; two credentials are two clones."""
    name = hashlib.sha256(f"{remote.text}\n{credentials or ''}".encode()).hexdigest()[:32]
    return cache / f"{name}.git"


def settings_of(remote: RemoteUrl, credentials: Path | None) -> list[str]:
    """Options of git for every question to a remote. Raises Refused (GIT012)."""
    settings = [part for option in (*OPTIONS, SSH) for part in ("-c", option)] + pinned(remote)
    if credentials:
        settings += ["-c", f"credential.helper=store --file={shlex.quote(str(credentials.absolute()))}"]
    return settings


def pinned(remote: RemoteUrl) -> list[str]:
    """Options that keep a fetch over https to the address that was looked at. Raises Refused (GIT012)."""
    if remote.protocol not in ("https", "ssh"):
        return []
    port = remote.port or (443 if remote.protocol == "https" else 22)
    address = resolve_host(remote.host, port)
    if address is None or remote.protocol != "https":
        return []
    return ["-c", f"http.curloptResolve={remote.host}:{port}:{address}"]


def _fetch(git: GitCommand, options: list[str], url: str, timeout: float) -> None:
    heads = git.read(*options, "ls-remote", "--symref", "--end-of-options", url, "HEAD", timeout=timeout)
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
        *_WANTED,
        timeout=timeout,
    )
    if head := _HEAD.search(heads.text):
        git.read("symbolic-ref", "HEAD", head[1])

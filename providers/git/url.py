"""Where a repository may be fetched from, and when two URLs name the same one."""

from __future__ import annotations

import re
from dataclasses import dataclass

from providers.git.host import check_host
from reconciler.fault import Refused

_HOST = r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])"
_USER = r"(?:(?P<user>[A-Za-z0-9_][A-Za-z0-9_.-]*)@)?"
_PATH = r"[^\s\x00-\x1f\x7f\\/-][^\s\x00-\x1f\x7f\\]*"
_WITH_SCHEME = re.compile(
    rf"(?P<scheme>https?|ssh)://{_USER}{_HOST}(?P<port>:[0-9]{{1,5}})?/(?P<path>{_PATH})"
)
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_SCP = re.compile(rf"{_USER}{_HOST}:(?P<path>/?{_PATH})")
_LOCAL = re.compile(r"(?:file://)?(?P<path>/[^\x00-\x1f\x7f]*)")
_ANY_SCHEME = re.compile(
    r"[a-z][a-z0-9+.-]*://(?:[^/@]*@)?(?P<host>[^/:]+)(?::[0-9]+)?/+(?P<path>.*)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class RemoteUrl:
    """A URL that git may be given. ``protocol`` is the only one that it may then use."""

    text: str
    protocol: str
    host: str = ""
    port: int | None = None


def parse_url(text: str, allow_file: bool = False) -> RemoteUrl:
    """Parse ``https://``, ``ssh://`` and ``user@host:path``; an absolute path only with ``allow_file``, and
    ``http://`` for this machine's own loopback alone.

    Raises Refused (GIT012). A password in a URL is refused: it would be on a command line.
    """
    if match := _WITH_SCHEME.fullmatch(text):
        has_password = match["scheme"] != "ssh" and match["user"]
        if not has_password and (match["scheme"] != "http" or match["host"] in _LOOPBACK):
            port = int(match["port"][1:]) if match["port"] else None
            return _checked(RemoteUrl(text, match["scheme"], match["host"], port))
    elif (match := _SCP.fullmatch(text)) and "://" not in text:
        return _checked(RemoteUrl(text, "ssh", match["host"]))
    elif allow_file and (match := _LOCAL.fullmatch(text)):
        return RemoteUrl(match["path"], "file")
    raise Refused(
        "GIT012",
        "repository URL",
        f"{_shown(text)!r} is not allowed",
        "https://HOST/PATH, ssh://[USER@]HOST/PATH or USER@HOST:PATH, without a password",
        "correct the URL; give credentials in a file",
    )


def _checked(url: RemoteUrl) -> RemoteUrl:
    check_host(url.host)
    return url


def normal_url(text: str) -> str:
    """``host/path`` however the URL is spelled: no scheme, user, port, ``.git``; the host in lower case.

    A path on this machine stays a path.
    """
    match = _ANY_SCHEME.fullmatch(text) or (_SCP.fullmatch(text) if not text.startswith(("/", ".")) else None)
    if not match:
        return text.removeprefix("file://").rstrip("/").removesuffix(".git")
    path = match["path"].strip("/").removesuffix(".git").rstrip("/")
    return f"{match['host'].lower()}/{path}"


def _shown(text: str) -> str:
    """The URL without anything that may be a password, at most 120 characters."""
    return re.sub(r"://[^/]*@", "://…@", text)[:120]

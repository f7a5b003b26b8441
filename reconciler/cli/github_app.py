"""Tokens of a GitHub App: for one installation, for an hour, held in this process alone."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Final
from urllib.error import URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from reconciler.fault import ProviderError
from specs.run_access import GithubApp

_API: Final = "https://api.github.com"
_DEADLINE: Final = 20.0
_EARLY: Final = 300.0
"""Seconds before its end at which a token is no longer begun with."""
_MOST: Final = 1 << 16
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,4096}")


@dataclass(frozen=True, slots=True)
class _Held:
    token: str = field(repr=False)
    end: float


_held: Final[dict[GithubApp, _Held]] = {}
_asking: Final = threading.Lock()


def installation_token(app: GithubApp) -> str:
    """A token that is good for five minutes or more. Blocking. Raises ProviderError (GIT014)."""
    with _asking:
        found = _held.get(app)
        if found is None or found.end - _EARLY <= time.time():
            found = _held[app] = _ask(app)
        return found.token


def forget_token(app: GithubApp) -> None:
    """Somebody refused it: the next is asked for anew."""
    with _asking:
        _held.pop(app, None)


def account_of(app: GithubApp) -> str:
    """Which login it is, whatever its token is now."""
    return f"app {app.app} installation {app.installation} key {app.key}"


def _ask(app: GithubApp) -> _Held:
    url = f"{(app.api or _API).rstrip('/')}/app/installations/{app.installation}/access_tokens"
    headers = {
        "Authorization": f"Bearer {_passport(app, int(time.time()))}",
        "Accept": "application/vnd.github+json",
        "User-Agent": "reconciler",
    }
    try:
        # The Run file takes no other address than https, or http on loopback.
        asked = Request(url, b"", headers, method="POST")  # noqa: S310 (no other scheme gets here)
        with build_opener(_Staying).open(asked, timeout=_DEADLINE) as answer:
            return _read(app, answer.read(_MOST))
    except (URLError, OSError, ValueError) as error:
        code = getattr(error, "code", None)
        seen = f"it answered {code}" if code else f"no answer ({type(error).__name__})"
        raise _fault(app, seen, "correct app, installation and key; look at the clock") from error


def _read(app: GithubApp, content: bytes) -> _Held:
    try:
        answer = json.loads(content)
        token, end = answer["token"], datetime.fromisoformat(answer["expires_at"]).timestamp()
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        raise _fault(app, "its answer holds no token", "look at what answers there") from None
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise _fault(app, "its answer holds no token", "look at what answers there")
    return _Held(token, end)


def _passport(app: GithubApp, now: int) -> str:
    """A JSON Web Token by which the App says who it is: RS256, for nine minutes, one minute back."""
    claims = {"iat": now - 60, "exp": now + 540, "iss": str(app.app)}
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT"}, claims)]
    text = b".".join(_encode(part) for part in parts)
    return (text + b"." + _encode(_sign(app, text))).decode()


def _sign(app: GithubApp, text: bytes) -> bytes:
    line = ["openssl", "dgst", "-sha256", "-sign", app.key]
    variables = {"PATH": os.environ.get("PATH", os.defpath), "OPENSSL_CONF": os.devnull}
    try:
        signed = subprocess.run(line, input=text, env=variables, capture_output=True, timeout=_DEADLINE)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _fault(app, f"openssl does not run ({type(error).__name__})", "install openssl") from error
    if signed.returncode or not signed.stdout:
        raise _fault(app, f"{app.key} signs nothing", "the App's private key as a PEM file that can be read")
    return signed.stdout


def _encode(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def _fault(app: GithubApp, seen: str, remedy: str) -> ProviderError:
    return ProviderError("GIT014", f"GitHub App {app.app}", seen, "a token for its installation", remedy)


class _Staying(HTTPRedirectHandler):
    """Follows nothing: who answers elsewhere is not who was asked."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: object, newurl: str
    ) -> None:
        return None

"""Who may push or fetch over HTTP: a token as the password of Basic authentication.

Tokens are compared in constant time. Whatever is wrong (the token, the repository, that it is not this
pusher's), the answer is the same.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from reconciler.cli.envelope import failure
from reconciler.cli.loop_secret import LEAST, read_secret
from specs.problem import Problem
from specs.run_pusher import Pusher

MOST_FAILURES: Final = 10
WINDOW: Final = 60.0
"""Seconds for which the failures of an address are counted."""
_MOST_ADDRESSES: Final = 1_000
_LONGEST: Final = 8_192


@dataclass(slots=True)
class Limiter:
    """Failures by address; of more than a thousand addresses the oldest are forgotten."""

    _failures: OrderedDict[str, tuple[float, int]] = field(default_factory=OrderedDict)

    def is_open(self, address: str, now: float) -> bool:
        """Whether the address may try. ``now`` in seconds, by any steady clock."""
        began, count = self._failures.get(address, (now, 0))
        return count < MOST_FAILURES or now - began >= WINDOW

    def fail(self, address: str, now: float) -> None:
        """Count one failure."""
        began, count = self._failures.pop(address, (now, 0))
        if now - began >= WINDOW:
            began, count = now, 0
        self._failures[address] = (began, count + 1)
        while len(self._failures) > _MOST_ADDRESSES:
            self._failures.popitem(last=False)

    def forget(self, address: str) -> None:
        """It is somebody who knows a token."""
        self._failures.pop(address, None)


def read_login(header: str) -> tuple[str, bytes] | None:
    """User name and password of an Authorization header; None where it is no Basic one."""
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "basic" or len(header) > _LONGEST:
        return None
    try:
        user, found, password = base64.b64decode(text.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return (user.decode("utf-8", "replace"), password) if found else None


def check_tokens(pushers: Sequence[Pusher]) -> list[Problem]:
    """What is wrong with the tokens that a Run file names, before anything listens."""
    return [
        failure(
            "PUSH007",
            f"token of pusher {pusher.name}",
            f"{pusher.token} cannot be read, or holds fewer than {LEAST} bytes",
            f"a token of {LEAST} bytes or more",
            f"openssl rand -hex 32 > {pusher.token}",
        )
        for pusher in pushers
        if pusher.token is not None and read_secret(pusher.token) is None
    ]


def known_pusher(pushers: Sequence[Pusher], repository_name: str, login: tuple[str, bytes]) -> Pusher | None:
    """Whose token it is, if the repository is that pusher's. Of several with the same token, the one that
    the user name names; every token is read and compared, whichever is right. Blocking."""
    user, password = login
    found: list[Pusher] = []
    for pusher in pushers:
        token = read_secret(pusher.token)
        is_same = hmac.compare_digest(password, token or b"\0")
        if is_same and token is not None and repository_name in pusher.repositories:
            found.append(pusher)
    named = [pusher for pusher in found if pusher.name == user]
    chosen = named or found
    return chosen[0] if len(chosen) == 1 else None


def address_of(remote: str | None, headers: Mapping[str, str]) -> str:
    """From where somebody came: as the proxy before us says last, since only that is its own word."""
    forwarded = headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return forwarded[:64] or remote or "local"

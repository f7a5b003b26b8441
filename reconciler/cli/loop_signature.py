"""Whether a webhook is signed: GitHub, Gitea, Forgejo, Bitbucket (HMAC of the body), GitLab (a token), and
one of our own with a time. Compared in constant time, over the bytes as they came."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

_PREFIXED: Final = ("X-Hub-Signature-256", "X-Hub-Signature")
"""``sha256=<hex>``: GitHub and newer Giteas, Bitbucket."""
_PLAIN: Final = ("X-Gitea-Signature", "X-Forgejo-Signature", "X-Gogs-Signature")
_TOKEN: Final = "X-Gitlab-Token"  # noqa: S105 (a header's name)
_OURS: Final = "X-Reconciler-Signature-256"
_TIME: Final = "X-Reconciler-Timestamp"
WINDOW: Final = 300.0
"""Seconds that our own signature is good for, before and after."""


def names_signature(headers: Mapping[str, str]) -> bool:
    """Whether a request carries anything that could be a signature."""
    return any(name in headers for name in (*_PREFIXED, *_PLAIN, _TOKEN, _OURS))


def is_signed(headers: Mapping[str, str], body: bytes, secret: bytes, now: float) -> bool:
    """Whether the request was made by who knows the secret. ``now``: seconds since 1970."""
    if _OURS in headers:
        return _is_ours(headers, body, secret, now)
    digest = hmac.new(secret, body, hashlib.sha256).hexdigest()
    for name in _PREFIXED:
        if name in headers:
            return _same(headers[name], f"sha256={digest}")
    for name in _PLAIN:
        if name in headers:
            return _same(headers[name], digest)
    return _TOKEN in headers and _same(headers[_TOKEN], secret.decode("utf-8", "replace"))


def _is_ours(headers: Mapping[str, str], body: bytes, secret: bytes, now: float) -> bool:
    """HMAC over ``<time>.<body>``: an old request is worth nothing."""
    stamp = headers.get(_TIME, "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12) or abs(now - int(stamp)) > WINDOW:
        return False
    signed = stamp.encode() + b"." + body
    return _same(headers[_OURS], hmac.new(secret, signed, hashlib.sha256).hexdigest())


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())

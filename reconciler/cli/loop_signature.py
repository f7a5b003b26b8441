"""Whether a webhook is signed, over the bytes as they came and in constant time.

GitHub, Gitea, Forgejo and Bitbucket: HMAC-SHA256 of the body in hexadecimal digits. GitLab: its signing token
(HMAC of id, time and body, as Standard Webhooks has it) or its secret token. And one of our own with a time.
SHA-1 proves nothing: it is passed over beside a better signature and refused alone.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

_PREFIXED: Final = ("x-hub-signature-256", "x-hub-signature")
"""``sha256=<hex>``: GitHub and newer Giteas; Bitbucket has the second name for it."""
_PLAIN: Final = ("x-gitea-signature", "x-forgejo-signature", "x-gogs-signature")
_TOKEN: Final = "x-gitlab-token"  # noqa: S105 (a header's name)
_STANDARD: Final = ("webhook-signature", "webhook-id", "webhook-timestamp")
_OURS: Final = ("x-reconciler-signature-256", "x-reconciler-timestamp")
_KNOWN: Final = frozenset((*_PREFIXED, *_PLAIN, _TOKEN, *_STANDARD, *_OURS))
_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")
_ID: Final = re.compile(r"[!-~]{1,200}")
_MOST_SIGNATURES: Final = 4
"""In one header: while a signing token is rotated there are two."""
WINDOW: Final = 300.0
"""Seconds that a signature with a time in it is good for, before and after."""
_KEY_PREFIX: Final = b"whsec_"


@dataclass(frozen=True, slots=True)
class Proof:
    """One signature: the bytes that were signed before the body, and the digests one of which must fit."""

    before: bytes
    digests: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request's headers say for it; nothing of that is proved yet."""

    proofs: tuple[Proof, ...]
    token: str | None = None


def read_claim(headers: Iterable[tuple[str, str]], now: float) -> Claim | None:
    """What there is to prove; None where nothing could prove anything: no signature, one that stands twice,
    is no digest or too old, or SHA-1 alone. ``now``: seconds since 1970."""
    found: dict[str, str] = {}
    for name, value in headers:
        known = name.lower()
        if known in found and known in _KNOWN:
            return None
        found[known] = value
    try:
        proofs = tuple(_proofs(found, now))
    except ValueError:
        return None
    token = found.get(_TOKEN)
    return Claim(proofs, None if proofs else token) if proofs or token else None


def is_proved(claim: Claim, body: bytes | bytearray, secret: bytes) -> bool:
    """Whether the request was made by who knows the secret: everything that was claimed must be so."""
    if claim.token is not None:
        return knows(claim.token, secret)
    key = signing_key(secret)
    return bool(claim.proofs) and all(_fits(proof, body, key) for proof in claim.proofs)


def _fits(proof: Proof, body: bytes | bytearray, key: bytes) -> bool:
    signed = hmac.new(key, proof.before, hashlib.sha256)
    signed.update(body)
    return any(hmac.compare_digest(given, signed.digest()) for given in proof.digests)


def knows(token: str, secret: bytes) -> bool:
    """Whether a token is the secret. Asked before anything of the body is read."""
    return hmac.compare_digest(token.encode("utf-8", "surrogateescape"), secret)


def signing_key(secret: bytes) -> bytes:
    """The key that a secret stands for: ``whsec_<base64>`` is one in its usual spelling."""
    if not secret.startswith(_KEY_PREFIX):
        return secret
    try:
        return base64.b64decode(secret.removeprefix(_KEY_PREFIX), validate=True)
    except binascii.Error:
        return secret


def _proofs(found: Mapping[str, str], now: float) -> Iterable[Proof]:
    signature, stamp = _OURS
    if signature in found:
        yield Proof(f"{_fresh(found.get(stamp, ''), now)}.".encode(), (_digest(found[signature]),))
    signature, given_id, stamp = _STANDARD
    if signature in found:
        if not _ID.fullmatch(found.get(given_id, "")):
            raise ValueError("no id")
        before = f"{found[given_id]}.{_fresh(found.get(stamp, ''), now)}."
        yield Proof(before.encode(), _standard_digests(found[signature]))
    for name in _PREFIXED:
        if name in found and not found[name].startswith("sha1="):
            if not found[name].startswith("sha256="):
                raise ValueError("another digest")
            yield Proof(b"", (_digest(found[name].removeprefix("sha256=")),))
    for name in _PLAIN:
        if name in found:
            yield Proof(b"", (_digest(found[name]),))


def _digest(text: str) -> bytes:
    if not _HEX.fullmatch(text):
        raise ValueError("no digest")
    return bytes.fromhex(text)


def _standard_digests(text: str) -> tuple[bytes, ...]:
    words = text.split(" ")
    if len(words) > _MOST_SIGNATURES:
        raise ValueError("too many signatures")
    # binascii.Error is a ValueError; another version than v1 is nothing that we could check.
    found = [base64.b64decode(w.removeprefix("v1,"), validate=True) for w in words if w.startswith("v1,")]
    if not found or any(len(digest) != hashlib.sha256().digest_size for digest in found):
        raise ValueError("no digest")
    return tuple(found)


def _fresh(stamp: str, now: float) -> str:
    """The time of a signature. An old request is worth nothing: ValueError."""
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12) or abs(now - int(stamp)) > WINDOW:
        raise ValueError("too old")
    return stamp

"""The ``WWW-Authenticate`` header (RFC 9110, 11.6.1) and token scopes (distribution token specification)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - RFC 9110 calls this character class "token"
_PART = re.compile(
    rf'[\s,]*(?:(?P<name>{_TOKEN})\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>{_TOKEN}))'
    rf"|(?P<scheme>{_TOKEN})(?:\s+[A-Za-z0-9._~+/-]+=*(?=\s*(?:,|$)))?)"
)

Scopes = tuple[str, ...]
"""Sorted scopes such as ``repository:shop/web:pull,push``, one for each resource."""


@dataclass(frozen=True, slots=True)
class Basic:
    """The registry wants user name and password itself."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """The registry wants a token, which ``realm`` gives out for ``service`` and ``scopes``."""

    realm: str
    service: str = ""
    scopes: Scopes = ()


Challenge = Basic | Bearer


def read_challenge(headers: Sequence[str]) -> Challenge | None:
    """The first Bearer challenge of all headers, else Basic, else None. Unknown schemes are passed over."""
    found = [challenge for header in headers for challenge in _challenges(header)]
    bearer = next((challenge for challenge in found if isinstance(challenge, Bearer)), None)
    return bearer or next(iter(found), None)


def merge_scopes(*groups: Iterable[str]) -> Scopes:
    """All scopes, sorted, with the actions on one resource joined."""
    actions: dict[str, set[str]] = {}
    for scope in (scope for group in groups for scope in group):
        resource, _, wanted = scope.rpartition(":")
        actions.setdefault(resource, set()).update(wanted.split(","))
    return tuple(f"{resource}:{','.join(sorted(actions[resource]))}" for resource in sorted(actions))


def pull_scope(repository: str) -> Scopes:
    """What reading from a repository needs."""
    return (f"repository:{repository}:pull",)


def push_scope(repository: str) -> Scopes:
    """What writing to a repository needs."""
    return (f"repository:{repository}:pull,push",)


def _challenges(header: str) -> list[Challenge]:
    schemes: list[tuple[str, list[tuple[str, str]]]] = []
    position = 0
    while part := _PART.match(header, position):
        position = part.end()
        if part["scheme"]:
            schemes.append((part["scheme"].lower(), []))
        elif schemes:
            schemes[-1][1].append((part["name"].lower(), _parameter(part)))
    return [challenge for name, pairs in schemes if (challenge := _challenge(name, pairs)) is not None]


def _parameter(part: re.Match[str]) -> str:
    quoted: str | None = part["quoted"]
    return part["plain"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)


def _challenge(scheme: str, pairs: list[tuple[str, str]]) -> Challenge | None:
    values = dict(pairs)
    if scheme == "basic":
        return Basic()
    if scheme != "bearer" or "realm" not in values:
        return None
    scopes = (scope for name, text in pairs if name == "scope" for scope in text.split())
    return Bearer(values["realm"], values.get("service", ""), merge_scopes(scopes))

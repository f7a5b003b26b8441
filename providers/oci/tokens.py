"""The token service of a registry (distribution token and OAuth2 specifications).

What is sent where: the login of the registry goes, as Basic or as a refresh token, to the realm that the
registry's own challenge names, which may be another host. So a realm must be https, with one exception: a
registry that is itself plain http on loopback may name a plain http realm on loopback.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from providers.oci.challenge import Bearer, Scopes
from providers.oci.credentials import Credential, IdentityToken
from providers.oci.faults import REALM_REFUSED, TOKEN_UNUSABLE
from providers.oci.origin import Origin, Target, parse_target
from providers.oci.strict_json import parse_object
from providers.oci.transport import Answer, Request, Transport
from providers.oci.verdict import explain
from reconciler.provider import Login

_LIFETIME = 60.0  # what the specification says where a service does not
_MARGIN = 10.0
_MAX_ANSWER = 1 << 16
_TOKEN = re.compile(r"[!-~]+")
_CLIENT = "reconciler"


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token; ``stale_at`` is when to fetch another, before it expires."""

    text: str = field(repr=False)
    stale_at: float


def basic(login: Login) -> str:
    """The Authorization header of a login."""
    packed = base64.b64encode(f"{login.username}:{login.password}".encode()).decode()
    return f"Basic {packed}"


async def fetch_token(
    transport: Transport,
    registry: Origin,
    challenge: Bearer,
    scopes: Scopes,
    credential: Credential | None,
    clock: Callable[[], float],
) -> Token | None:
    """A token for the scopes; None when the service does not accept the credential. Raises ProviderError."""
    realm = _realm(challenge, registry)
    asked_at = clock()
    request = _request(realm, challenge, scopes, credential)
    async with transport.exchange(request) as answer:
        if answer.status in {400, 401, 403}:  # OAuth2 says 400 for a grant that it does not accept
            return None
        if answer.status != 200:
            raise await explain(answer, None)
        return _read(answer, await answer.read(_MAX_ANSWER), asked_at)


def _realm(challenge: Bearer, registry: Origin) -> Target:
    try:
        realm = parse_target(challenge.realm)
    except ValueError as error:
        raise REALM_REFUSED.final(
            str(registry), f"a token realm that is {error}", "an https address"
        ) from None
    plain_allowed = registry.scheme == "http" and registry.is_loopback and realm.origin.is_loopback
    if realm.origin.scheme != "https" and not plain_allowed:
        raise REALM_REFUSED.final(
            str(registry),
            f"the token realm {realm.origin}",
            "https, because a login is sent there",
        )
    return realm


def _request(realm: Target, challenge: Bearer, scopes: Scopes, credential: Credential | None) -> Request:
    where = f"token service {realm.origin}"
    if isinstance(credential, IdentityToken):
        return _refresh(where, realm, challenge, scopes, credential)
    target = realm.with_query("service", quote(challenge.service, safe="")) if challenge.service else realm
    for scope in scopes:
        target = target.with_query("scope", quote(scope, safe=":/,"))
    authorization = basic(credential) if credential else None
    return Request(where, "GET", target, authorization=authorization)


def _refresh(
    where: str, realm: Target, challenge: Bearer, scopes: Scopes, credential: IdentityToken
) -> Request:
    form = {
        "grant_type": "refresh_token",
        "refresh_token": credential.token,
        "service": challenge.service,
        "client_id": _CLIENT,
        "scope": " ".join(scopes),
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return Request(where, "POST", realm, headers, body=urlencode(form).encode())


def _read(answer: Answer, body: bytes, asked_at: float) -> Token:
    try:
        document = parse_object(body)
    except ValueError as error:
        raise TOKEN_UNUSABLE.passing(answer.where, str(error), "a JSON object with a token") from None
    text = document.get("token") or document.get("access_token")
    if not isinstance(text, str) or not _TOKEN.fullmatch(text):
        raise TOKEN_UNUSABLE.passing(answer.where, "an answer without a token", "token or access_token")
    return Token(text, asked_at + _usable_for(document.get("expires_in")))


def _usable_for(lifetime: object) -> float:
    """Seconds until another token is due: a margin before its end, at most a fifth of its life."""
    known = isinstance(lifetime, int | float) and not isinstance(lifetime, bool) and lifetime > 0
    seconds = float(lifetime) if known and isinstance(lifetime, int | float) else _LIFETIME
    return seconds - min(_MARGIN, seconds / 5)

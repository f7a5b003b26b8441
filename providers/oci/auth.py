"""Who we are to one registry: the Authorization header for a request, and what to do when it is refused.

A login as such (Basic) is sent to the registry's own origin only; ``tokens`` says what a token service gets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from providers.oci.challenge import Basic, Bearer, Challenge, Scopes, merge_scopes, read_challenge
from providers.oci.credentials import Credential, CredentialSource, IdentityToken
from providers.oci.faults import CHALLENGE_UNKNOWN, LOGIN_NEEDED, LOGIN_REFUSED
from providers.oci.flights import Flights
from providers.oci.mask import Mask
from providers.oci.origin import Origin
from providers.oci.tokens import Token, basic, fetch_token
from providers.oci.transport import Transport
from reconciler.provider import Login, ProviderError


class Authorizer:
    """Keeps the registry's challenge, the credential and one token for each set of scopes."""

    def __init__(
        self, transport: Transport, source: CredentialSource, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.mask = Mask()
        self._transport = transport
        self._source = source
        self._clock = clock
        self._challenge: Challenge | None = None
        self._credential: Credential | None = None
        self._asked = False
        self._tokens: dict[Scopes, Token] = {}
        self._fetching: Flights[Scopes, Token] = Flights()
        self._asking: Flights[None, None] = Flights()

    def learn(self, headers: Sequence[str]) -> None:
        """Take the challenge of ``WWW-Authenticate`` headers as what the registry wants from now on."""
        self._challenge = read_challenge(headers)

    async def header(self, registry: Origin, scopes: Scopes) -> str | None:
        """The Authorization header for a request that needs these scopes; None while nothing is asked."""
        match self._challenge:
            case None:
                return None
            case Basic():
                credential = await self._find_credential()
                return basic(credential) if isinstance(credential, Login) else None
            case Bearer() as challenge:
                return await self._bearer(registry, challenge, scopes)

    async def renew(
        self, registry: Origin, headers: Sequence[str], scopes: Scopes, rejected: str | None
    ) -> str:
        """The header to try again with after a 401 that carried ``headers``.

        Raises Refused when there is none, or none other than the one that was ``rejected``.
        """
        challenge = read_challenge(headers)
        if challenge is None:
            raise CHALLENGE_UNKNOWN.final(
                str(registry),
                "a login of an unknown kind is wanted",
                "Basic or Bearer",
            )
        self._challenge = challenge
        if isinstance(challenge, Bearer):
            if rejected == self._cached(scopes):
                self._tokens.pop(scopes, None)
            return await self._bearer(registry, challenge, scopes)
        header = self._basic(registry, await self._find_credential())
        if header == rejected:
            header = self._basic(registry, await self._find_credential(again=True))
        if header == rejected:
            raise self.refused(registry)
        return header

    def refused(self, registry: Origin) -> ProviderError:
        """The error for a login, or the lack of one, that was not accepted."""
        if self._credential is None:
            return LOGIN_NEEDED.final(
                str(registry),
                "401, a login is wanted",
                "a login for this registry",
            )
        return LOGIN_REFUSED.final(
            str(registry),
            "401, the login was not accepted",
            "a login with rights to this repository",
        )

    async def aclose(self) -> None:
        """End requests for tokens."""
        await self._fetching.aclose()
        await self._asking.aclose()

    def _basic(self, registry: Origin, credential: Credential | None) -> str:
        if not isinstance(credential, Login):
            raise self.refused(registry)
        return basic(credential)

    def _cached(self, scopes: Scopes) -> str | None:
        token = self._tokens.get(scopes)
        return f"Bearer {token.text}" if token else None

    async def _bearer(self, registry: Origin, challenge: Bearer, scopes: Scopes) -> str:
        token = self._tokens.get(scopes)
        if token is None or token.stale_at <= self._clock():
            token = await self._fetching.join(scopes, lambda: self._fetch(registry, challenge, scopes))
        return f"Bearer {token.text}"

    async def _fetch(self, registry: Origin, challenge: Bearer, scopes: Scopes) -> Token:
        wanted = merge_scopes(scopes, challenge.scopes)
        credential = await self._find_credential()
        token = await fetch_token(self._transport, registry, challenge, wanted, credential, self._clock)
        if token is None and (fresh := await self._find_credential(again=True)) != credential:
            token = await fetch_token(self._transport, registry, challenge, wanted, fresh, self._clock)
        if token is None:
            raise self.refused(registry)
        self.mask.learn_token(token.text)
        self._tokens[scopes] = token
        return token

    async def _find_credential(self, again: bool = False) -> Credential | None:
        """The credential, asked for once; ``again`` where a credential program may have renewed it."""
        if again or not self._asked:
            await self._asking.join(None, self._ask)
        return self._credential

    async def _ask(self) -> None:
        self._credential = await self._source()
        self._asked = True
        match self._credential:
            case Login(username, password):
                self.mask.learn_secret(password)
                self.mask.learn_secret(f"{username}:{password}")
            case IdentityToken(token):
                self.mask.learn_secret(token)
            case None:
                pass

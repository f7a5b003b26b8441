"""The distribution API of one host: its origin and login found once, each request sent with what it needs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from providers.oci.auth import Authorizer
from providers.oci.challenge import Scopes
from providers.oci.faults import BROKEN_OFF, NO_TLS, REFERENCE_UNUSABLE, TIMEOUT, Fault
from providers.oci.flights import Flights
from providers.oci.origin import Origin, Target, api_origin, resolve_target
from providers.oci.transport import Answer, Content, Request, Transport
from providers.oci.verdict import explain, not_a_registry
from reconciler.provider import ProviderError
from specs.reference import ImageRef

_SPEAKS_NO_TLS = frozenset({NO_TLS.code, BROKEN_OFF.code, TIMEOUT.code})


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the API. ``path`` is below ``/v2/``, or a target that ``Client.locate`` gave."""

    where: str
    method: str
    path: str | Target
    scopes: Scopes = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Content | None = field(default=None, repr=False)
    total: float | None = None


class Client:
    """Calls the API; every method raises ProviderError."""

    def __init__(
        self, host: str, transport: Transport, authorizer: Authorizer, plain_http: bool | None
    ) -> None:
        self.host = host
        self.transport = transport
        self._authorizer = authorizer
        self._candidates = _candidates(host, plain_http)
        self._origin: Origin | None = None
        self._introductions: Flights[None, Origin] = Flights()

    async def origin(self) -> Origin:
        """Where the API answers: found once, by an anonymous look at ``/v2/`` that also tells the login."""
        if self._origin is None:
            self._origin = await self._introductions.join(None, self._introduce)
        return self._origin

    @asynccontextmanager
    async def call(self, call: Call) -> AsyncIterator[Answer]:
        """Send a call, with another token or login once when the first is not accepted."""
        origin = await self.origin()
        target = call.path if isinstance(call.path, Target) else Target(origin, f"/v2/{call.path}")
        authorization = await self._authorizer.header(origin, call.scopes)
        request = Request(
            call.where,
            call.method,
            target,
            call.headers,
            authorization,
            call.body,
            call.total,
            follow=call.method in {"GET", "HEAD"},
        )
        async with self.transport.exchange(request) as answer:
            if answer.status != 401 or answer.strayed:
                yield answer
                return
            asked = answer.headers("WWW-Authenticate")
        authorization = await self._authorizer.renew(origin, asked, call.scopes, authorization)
        async with self.transport.exchange(replace(request, authorization=authorization)) as answer:
            yield answer

    async def locate(self, location: str, answer: Answer, fault: Fault) -> Target:
        """Where an answer says to go on, which gets our authorization: so the registry's own origin only.

        Raises Refused with ``fault`` for any other, also for one that a redirect led to.
        """
        origin = await self.origin()
        try:
            target = resolve_target(location, answer.target)
        except ValueError as error:
            raise fault.final(answer.where, str(error), str(origin)) from None
        if target.origin != origin:
            raise fault.final(answer.where, f"an address on {target.origin}", str(origin))
        return target

    async def refuse(self, answer: Answer) -> ProviderError:
        """The error for an answer of an unexpected status."""
        if answer.status == 401:
            error = self._authorizer.refused(answer.target.origin)
            error.where = answer.where
            return error
        return await explain(answer, self._authorizer.mask)

    async def aclose(self) -> None:
        """End what is under way and close the connections."""
        await self._introductions.aclose()
        await self._authorizer.aclose()
        await self.transport.aclose()

    def repository(self, ref: ImageRef) -> str:
        """The repository of a reference to this host. Raises Refused for another host's."""
        if ref.host != self.host:
            raise REFERENCE_UNUSABLE.final(str(ref), "another registry's reference", f"one of {self.host}")
        return ref.repository

    async def _introduce(self) -> Origin:
        *attempts, last = self._candidates
        for origin in attempts:
            try:
                return await self._look(origin)
            except ProviderError as error:
                if error.code not in _SPEAKS_NO_TLS:
                    raise
        return await self._look(last)

    async def _look(self, origin: Origin) -> Origin:
        request = Request(f"registry {self.host}", "GET", Target(origin, "/v2/"), follow=True)
        async with self.transport.exchange(request) as answer:
            if answer.status == 401 and answer.strayed:
                return origin  # a registry that sends all reads elsewhere, which gets no login
            if answer.status == 401:
                self._authorizer.learn(answer.headers("WWW-Authenticate"))
            elif answer.status == 404:
                raise not_a_registry(answer)
            elif answer.status != 200:
                raise await explain(answer, None)
            elif not _speaks_the_api(answer):
                raise not_a_registry(answer)
        return origin


def _candidates(host: str, plain_http: bool | None) -> tuple[Origin, ...]:
    """Origins to try in turn: https, and plain http where asked for or, after https, on loopback."""
    try:
        secure, plain = api_origin(host, "https"), api_origin(host, "http")
    except ValueError:
        raise REFERENCE_UNUSABLE.final(
            "registry", "a host that is none", "host or host:port", remedy="correct the registry's url"
        ) from None
    if plain_http is not None:
        return (plain,) if plain_http else (secure,)
    return (secure, plain) if plain.is_loopback else (secure,)


def _speaks_the_api(answer: Answer) -> bool:
    return answer.header("Docker-Distribution-Api-Version") == "registry/2.0" or answer.media_type in {
        "",
        "application/json",
    }

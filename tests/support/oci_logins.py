"""A login that must never show, and clients that get their credential from a function."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from oci_errors import CANARY
from providers.oci import OciRegistry
from providers.oci.auth import Authorizer
from providers.oci.client import Client
from providers.oci.credentials import Credential
from providers.oci.transport import Deadlines, Transport
from reconciler.provider import Login

CI = Login("ci", CANARY)


async def ci_login() -> Credential:
    return CI


def open_with(
    host: str, source: Callable[[], Awaitable[Credential | None]], clock: Callable[[], float] | None = None
) -> OciRegistry:
    """A client whose credential comes from a function and whose tokens age by a clock."""
    transport = Transport(Deadlines())
    authorizer = Authorizer(transport, source, clock) if clock else Authorizer(transport, source)
    return OciRegistry(Client(host, transport, authorizer, True))

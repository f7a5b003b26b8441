"""What aiohttp and the sockets raise, said in our words, without addresses or headers of the request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from providers.oci.faults import BROKEN_OFF, CERTIFICATE, NO_TLS, TIMEOUT, UNREACHABLE
from providers.oci.origin import Origin
from reconciler.provider import ProviderError


@contextmanager
def translate(where: str, origin: Origin) -> Iterator[None]:
    """Raise ProviderError for every failure of the network below.

    The cause is not chained: aiohttp's exceptions carry the request with its headers.
    """
    import aiohttp

    try:
        yield
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise _explain(error, where, origin) from None


def _explain(error: Exception, where: str, origin: Origin) -> ProviderError:
    import aiohttp

    match error:
        case aiohttp.ClientConnectorCertificateError():
            return CERTIFICATE.final(
                where,
                f"{origin} shows a certificate that does not verify",
                "one that this machine trusts",
            )
        case aiohttp.ClientSSLError():
            return NO_TLS.passing(where, f"{origin} does not speak TLS", "https")
        case TimeoutError():
            return TIMEOUT.passing(where, f"no answer of {origin} in time", "an answer")
        case aiohttp.ClientConnectorError() if not _hung_up(error.os_error):
            reason = error.os_error.strerror or "the connection failed"
            return UNREACHABLE.passing(where, f"{origin}: {reason}", "a registry that answers")
        case _:
            return BROKEN_OFF.passing(where, f"the connection to {origin} ended early", "a whole answer")


def _hung_up(error: OSError) -> bool:
    """The other side took the connection, then closed it, as a plain server may that is greeted in TLS."""
    return isinstance(error, ConnectionError) and not isinstance(error, ConnectionRefusedError)

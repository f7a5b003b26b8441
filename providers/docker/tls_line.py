"""Connections to an engine's port, with TLS on both sides."""

from __future__ import annotations

import asyncio
import os
import ssl
import tempfile
from collections.abc import Mapping
from pathlib import Path

from providers.docker.endpoint import Material, TcpEndpoint, bracketed
from providers.docker.line import Stream
from reconciler.provider import ProviderError, Refused

_OURS_REFUSED = (
    "ALERT_CERTIFICATE_REQUIRED",
    "ALERT_BAD_CERTIFICATE",
    "ALERT_UNKNOWN_CA",
    "ALERT_CERTIFICATE_UNKNOWN",
    "ALERT_CERTIFICATE_EXPIRED",
    "ALERT_CERTIFICATE_REVOKED",
    "ALERT_UNSUPPORTED_CERTIFICATE",
    "ALERT_ACCESS_DENIED",
    "ALERT_DECRYPT_ERROR",
    "ALERT_HANDSHAKE_FAILURE",
)


class TcpLine:
    """A port; where the endpoint has no certificates it is one of loopback."""

    def __init__(self, endpoint: TcpEndpoint) -> None:
        self._endpoint = endpoint
        self._context: ssl.SSLContext | None = None

    @property
    def where(self) -> str:
        return str(self._endpoint)

    @property
    def reserve(self) -> int:
        return 0

    @property
    def reads_only(self) -> bool:
        return False

    async def dial(self) -> Stream:
        host, port, context = self._endpoint.host, self._endpoint.port, self._open_context()
        name = host if context else None
        return await asyncio.open_connection(host, port, ssl=context, server_hostname=name)

    async def address(self) -> tuple[str, ssl.SSLContext | None]:
        context = self._open_context()
        scheme = "https" if context else "http"
        return f"{scheme}://{bracketed(self._endpoint.host)}:{self._endpoint.port}", context

    async def reason(self, error: Exception) -> ProviderError | None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return Refused(
                "DKR055",
                self.where,
                f"the engine's certificate is not accepted: {error.verify_message}",
                f"a certificate for {self._endpoint.host} from the authority in ca.pem",
                "correct the host, or the authority; if it worked before, ask who changed it",
            )
        if isinstance(error, ssl.SSLError):
            return self._refusal(error)
        return None

    def _refusal(self, error: ssl.SSLError) -> ProviderError | None:
        reason = error.reason or ""
        if any(reason.endswith(end) for end in _OURS_REFUSED):
            return Refused(
                "DKR056",
                self.where,
                f"the engine refuses our certificate ({reason.replace('_', ' ').lower()})",
                "a certificate from the authority that the engine trusts, not expired",
                "correct the certificate and its key",
            )
        if reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNEXPECTED_MESSAGE"):
            seen = "what listens there does not speak TLS"
            return Refused("DKR055", self.where, seen, "an engine with --tlsverify", "correct the port")
        return None

    async def turn(self) -> bool:
        return False

    async def variables(self, folder: Path) -> Mapping[str, str]:
        if self._endpoint.material is None:
            return {"DOCKER_HOST": self.where}
        place = folder / "tls"
        await asyncio.to_thread(_write, place, self._endpoint.material)
        return {"DOCKER_HOST": self.where, "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(place)}

    async def close(self) -> None:
        return

    def _open_context(self) -> ssl.SSLContext | None:
        if self._context is None and self._endpoint.material is not None:
            self._context = tls_context(self.where, self._endpoint.material)
        return self._context


def tls_context(where: str, material: Material) -> ssl.SSLContext:
    """A context that trusts the given authority alone and checks the host's name. Raises Refused."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cadata=material.ca.decode("ascii"))
    except (ssl.SSLError, ValueError):
        raise _unreadable(where, "the authority (ca.pem) holds no certificate in PEM") from None
    # The library reads a certificate and its key from files only, so both become files for a moment.
    with tempfile.TemporaryDirectory(prefix="reconciler-tls-") as folder:
        _write(Path(folder) / "tls", material)
        try:
            place = Path(folder) / "tls"
            context.load_cert_chain(place / "cert.pem", place / "key.pem", password=_no_password)
        except (ssl.SSLError, ValueError):
            raise _unreadable(
                where, "certificate (cert.pem) and key (key.pem) are not a pair in PEM, without a passphrase"
            ) from None
    return context


def _no_password() -> str:
    """Without one OpenSSL would ask on the terminal."""
    raise ValueError("a passphrase")


def _write(place: Path, material: Material) -> None:
    place.mkdir(mode=0o700)
    contents = {"ca.pem": material.ca, "cert.pem": material.certificate, "key.pem": material.key}
    for name, content in contents.items():
        with open(os.open(place / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)


def _unreadable(where: str, seen: str) -> Refused:
    return Refused("DKR057", where, seen, "ca.pem, cert.pem and key.pem for this engine", "correct them")

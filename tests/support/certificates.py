"""Certificates for TLS between a client and an engine, made with the openssl command line."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True)
class Authority:
    """One that vouches. Each name is a folder below `folder` with ca.pem, cert.pem and key.pem."""

    folder: Path

    def make(self) -> Authority:
        self.folder.mkdir(parents=True)
        words = ("-x509", "-subj", f"/CN={self.folder.name}", "-days", "2")
        _openssl("req", *_KEY, *words, "-keyout", str(self.folder / "key"), "-out", str(self.folder / "ca"))
        return self

    def issue(self, name: str, alternative: str = "IP:127.0.0.1,DNS:localhost") -> Path:
        """A certificate for a server under these names, and as a client."""
        place = self.folder / name
        place.mkdir()
        request, names = place / "request", place / "names"
        names.write_text(f"subjectAltName={alternative}\nextendedKeyUsage=serverAuth,clientAuth\n")
        _openssl(
            "req", *_KEY, "-subj", f"/CN={name}", "-keyout", str(place / "key.pem"), "-out", str(request)
        )
        signer = ("-CA", str(self.folder / "ca"), "-CAkey", str(self.folder / "key"), "-CAcreateserial")
        words = ("-days", "2", "-extfile", str(names), "-out", str(place / "cert.pem"))
        _openssl("x509", "-req", "-in", str(request), *signer, *words)
        (place / "ca.pem").write_text((self.folder / "ca").read_text())
        return place


def server_context(place: Path) -> ssl.SSLContext:
    """What an engine with --tlsverify does: shows its certificate, and wants one of the same authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(place / "cert.pem", place / "key.pem")
    context.load_verify_locations(place / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


@contextmanager
def strict_server(place: Path) -> Iterator[int]:
    """The port of a server that tells whoever shows it a certificate of another authority so."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    files = (
        "-cert",
        str(place / "cert.pem"),
        "-key",
        str(place / "key.pem"),
        "-CAfile",
        str(place / "ca.pem"),
    )
    words = ("s_server", "-accept", f"127.0.0.1:{port}", "-Verify", "1", "-verify_return_error")
    with subprocess.Popen(
        ["openssl", *words, *files], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        while b"ACCEPT" not in process.stdout.readline():
            assert process.poll() is None, "openssl s_server does not start"
        yield port
        process.kill()


def _openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)

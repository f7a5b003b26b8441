"""The end of a command's input over sockets and over TLS, while its output goes on."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from certificates import Authority, server_context
from providers.docker.endpoint import Material
from providers.docker.half_close import end_writing
from providers.docker.tls_line import tls_context

SENT = b"x" * 3_000_000


@pytest.fixture(name="certificate", scope="module")
def _certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Authority(tmp_path_factory.mktemp("tls") / "authority").make().issue("engine")


def echo_at_end(connection: socket.socket, context: ssl.SSLContext | None) -> None:
    """Read to the end as an engine's `cat` does, then send it all back, then close."""
    with suppress(OSError):
        line = context.wrap_socket(connection, server_side=True) if context else connection
        received = bytearray()
        while piece := line.recv(1 << 16):
            received += piece
        line.sendall(b"all of it: " + received)
        line.close()


@pytest.fixture(name="serve")
def _serve() -> Iterator[Callable[[ssl.SSLContext | None], int]]:
    listeners: list[socket.socket] = []

    def serve(context: ssl.SSLContext | None) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def accept() -> None:
            with suppress(OSError):
                connection, _ = listener.accept()
                echo_at_end(connection, context)

        threading.Thread(target=accept, daemon=True).start()
        return int(listener.getsockname()[1])

    yield serve
    for listener in listeners:
        listener.close()


async def say(port: int, context: ssl.SSLContext | None, content: bytes) -> bytes:
    name = "127.0.0.1" if context else None
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
    try:
        async with asyncio.timeout(20):
            writer.write(content)
            await end_writing(writer)
            return await reader.read(-1)
    finally:
        writer.close()


@pytest.mark.parametrize("content", [b"", b"hello\n", SENT])
async def test_over_a_socket(serve: Callable[[ssl.SSLContext | None], int], content: bytes) -> None:
    assert await say(serve(None), None, content) == b"all of it: " + content


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("content", [b"", b"hello\n", SENT])
async def test_over_tls(
    serve: Callable[[ssl.SSLContext | None], int],
    certificate: Path,
    content: bytes,
    version: ssl.TLSVersion,
) -> None:
    server = server_context(certificate)
    server.minimum_version = server.maximum_version = version
    files = (certificate / name for name in ("ca.pem", "cert.pem", "key.pem"))
    client = tls_context("test", Material(*(file.read_bytes() for file in files)))
    assert await say(serve(server), client, content) == b"all of it: " + content

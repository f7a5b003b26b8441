"""Plain HTTP to an engine over its unix socket, with the standard library alone."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Mapping
from pathlib import Path


class UnixConnection(http.client.HTTPConnection):
    """An HTTP connection whose peer is a unix socket."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


def request(
    path: Path,
    verb: str,
    target: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 60.0,
) -> tuple[int, bytes]:
    """Status and body of one request; OSError when nothing listens."""
    connection = UnixConnection(path, timeout)
    try:
        connection.request(verb, target, body, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read()
    except http.client.HTTPException as error:
        raise ConnectionError(f"{path}: {error!r}") from error
    finally:
        connection.close()

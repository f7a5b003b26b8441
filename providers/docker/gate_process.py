"""``reconciler readonly``: leads requests that only read from its standard input to an engine's socket.

The answers go back one at a time and in order, so that nothing is answered twice or to somebody else.
"""

from __future__ import annotations

import json
import os
import select
import socket
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPException
from typing import Final

from providers.docker.gate import MAX_HEAD, NotLetThrough, Passed, judge
from providers.docker.gate_view import without_commands, without_secrets

READ_ONLY: Final = "read-only access"
"""What every refusal begins with."""
_MAX_BODY: Final = 64 << 20
_SILENT: Final = 600.0
"""Seconds without a request after which it ends."""
_ANSWER: Final = 60.0
_SHOWN: Final = ("Content-Type", "Api-Version", "Ostype", "Date", "Docker-Experimental", "Server")
"""Headers of the engine's answers that are handed on."""
_LOOKED_THROUGH: Final[dict[str, Callable[[bytes], bytes]]] = {
    "one container": without_secrets,
    "events": without_commands,
}


class _Engine(HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("docker", timeout=_ANSWER)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_ANSWER)
        self.sock.connect(self._path)


def serve(path: str, source: int = 0, sink: int = 1) -> int:
    """Answer the requests that come from ``source`` until it ends: 0, or 4 after one that was refused."""
    engine = _Engine(path)
    try:
        for head in _heads(source):
            _send(sink, *_answer(engine, judge(head, time.time())))
    except NotLetThrough as refusal:
        _send(sink, 403, _message(f"{READ_ONLY}: {refusal}"), {"Connection": "close"}, False)
        return 4
    except BrokenPipeError:
        return 0
    finally:
        engine.close()
    return 0


def _heads(source: int) -> Iterator[bytes]:
    """The heads of requests, without the empty lines that end them. Raises NotLetThrough for one that is too
    long."""
    buffer = b""
    while True:
        head, end, rest = buffer.partition(b"\r\n\r\n")
        if end and len(head) <= MAX_HEAD:
            buffer = rest
            yield head
            continue
        if len(head) > MAX_HEAD:
            raise NotLetThrough("the request is too long")
        piece = os.read(source, 1 << 16) if select.select([source], [], [], _SILENT)[0] else b""
        if not piece:
            return
        buffer += piece


def _answer(engine: _Engine, passed: Passed) -> tuple[int, bytes, dict[str, str], bool]:
    """Status, body and headers of the engine's answer, and whether it is without its body (HEAD)."""
    is_bare = passed.method == "HEAD"
    try:
        try:
            engine.request(passed.method, passed.target, headers={"Accept-Encoding": "identity"})
            answer = engine.getresponse()
        except (HTTPException, ConnectionError):
            engine.close()  # it closed an idle connection meanwhile; reading twice does no harm
            engine.request(passed.method, passed.target, headers={"Accept-Encoding": "identity"})
            answer = engine.getresponse()
        body = answer.read(_MAX_BODY + 1)
        if len(body) > _MAX_BODY:
            raise ValueError("too long")
        if answer.status == 200 and not is_bare:
            body = _LOOKED_THROUGH.get(passed.holds, bytes)(body)
    except (OSError, HTTPException, ValueError, RecursionError) as error:
        engine.close()
        words = f"the engine does not answer: {getattr(error, 'strerror', None) or type(error).__name__}"
        return 502, _message(words), {}, False
    headers = {name: value for name in _SHOWN if (value := answer.getheader(name)) is not None}
    return answer.status, body, headers, is_bare


def _message(words: str) -> bytes:
    return json.dumps({"message": words}).encode()


def _send(sink: int, status: int, body: bytes, headers: dict[str, str], is_bare: bool) -> None:
    given = {"Content-Type": "application/json", **headers, "Content-Length": str(len(body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    rest = memoryview(
        f"HTTP/1.1 {status} -\r\n{lines}\r\n".encode("latin-1", "replace") + (b"" if is_bare else body)
    )
    while rest:
        rest = rest[os.write(sink, rest) :]

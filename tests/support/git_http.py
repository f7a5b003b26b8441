"""A git server over http on loopback, with logins: git's own http-backend behind a small HTTP server.

It stands in for a forge's API, too, where a test names what a path of it answers.
"""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Self

Answering = tuple[int, dict[str, str], bytes]
Behaviour = Callable[[BaseHTTPRequestHandler], Answering | None]
"""What is answered instead of the repository; None: the repository."""


@dataclass
class GitHttp:
    """Serves the bare repositories below ``root``. ``logins`` are those taken; None takes everybody."""

    root: Path
    logins: set[tuple[str, str]] | None = None
    behaviour: Behaviour | None = None
    cut: int | None = None
    """How many bytes of a pack are sent before the connection ends."""
    asked: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    """The logins that were sent, as USER:PASSWORD."""

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _answering(self))
        self._server.daemon_threads = True
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, request: BaseHTTPRequestHandler, body: bytes) -> Answering:
        self.asked.append(request.path)
        kind, _, word = request.headers.get("Authorization", "").partition(" ")
        login = base64.b64decode(word).decode() if kind == "Basic" else ""
        self.given += [login] if login else []
        special = self.behaviour(request) if self.behaviour else None
        if special is not None:
            return special
        if self.logins is not None and tuple(login.split(":", 1)) not in self.logins:
            return 401, {"WWW-Authenticate": 'Basic realm="git"'}, b""
        status, fields, content = _backend(self.root, request, body)
        return status, fields, content if self.cut is None or b"PACK" not in content else content[: self.cut]


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are what is tested."""


def _backend(root: Path, request: BaseHTTPRequestHandler, body: bytes) -> Answering:
    path, _, query = request.path.partition("?")
    variables = {
        "PATH": os.environ["PATH"],
        "GIT_PROJECT_ROOT": str(root),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REQUEST_METHOD": request.command,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        "CONTENT_LENGTH": str(len(body)),
    }
    done = subprocess.run(["git", "http-backend"], input=body, env=variables, capture_output=True)
    head, _, content = done.stdout.partition(b"\r\n\r\n")
    lines = [line.partition(b": ") for line in head.split(b"\r\n")]
    fields = {name.decode(): value.decode() for name, _, value in lines if name}
    return int(fields.pop("Status", "200").split()[0]), fields, content


def _answering(server: GitHttp) -> type[BaseHTTPRequestHandler]:
    class Request(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            status, fields, content = server.answer(self, body)
            self.send_response(status)
            for name, value in fields.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing to say."""

    return Request

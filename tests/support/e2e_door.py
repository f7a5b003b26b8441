"""A socket before an engine that can refuse, hold or lose calls, and be shut while somebody uses it."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

_REQUEST = re.compile(rb"(GET|HEAD|POST|PUT|DELETE) (\S+) HTTP/1\.1\r\n")
_BODY = b'{"message":"the engine is not well"}'
_NO = (
    b"HTTP/1.1 500 No\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
    % (
        len(_BODY),
        _BODY,
    )
)
_VERSION = re.compile(r" /v1\.\d+")

Act = Literal["refuse", "before", "after", "lose"]


@dataclass
class Rule:
    """What is done to calls that match, after the first `skip` of them were let through.

    refuse: answer 500. before: hold the call, the engine never hears of it. after: the engine does it, the
    answer is held. lose: the engine does it, and the connection breaks before its answer.
    """

    pattern: str
    act: Act
    skip: int = 0
    reached: threading.Event = field(default_factory=threading.Event)

    def takes(self, call: str) -> bool:
        if not re.search(self.pattern, call):
            return False
        self.skip -= 1
        return self.skip < 0


@dataclass
class Door:
    """`endpoint` is where the engine is found while the door is open. `calls` are what went through it."""

    path: Path
    upstream: Path
    rules: list[Rule] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        return f"unix://{self.path}"

    def __enter__(self) -> Self:
        self._lines: list[_Line] = []
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.shut()

    def rule(self, pattern: str, act: Act, skip: int = 0) -> Rule:
        """A rule from now on; `pattern` is searched in ``POST /containers/create?name=x``."""
        self.rules.append(Rule(pattern, act, skip))
        return self.rules[-1]

    def changes(self) -> list[str]:
        """The calls that can change something."""
        return [call for call in self.calls if not call.startswith(("GET", "HEAD"))]

    def open(self) -> None:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self.path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def shut(self) -> None:
        """Close the socket and every connection: the engine is gone."""
        self.path.unlink(missing_ok=True)
        _end(self._listener)
        for line in self._lines:
            _end(line.client, line.engine)
        self._lines.clear()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                engine = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                engine.connect(str(self.upstream))
                line = _Line(client, engine)
                self._lines.append(line)
                threading.Thread(target=self._forward, args=(line,), daemon=True).start()
                threading.Thread(target=line.give_back, daemon=True).start()

    def _forward(self, line: _Line) -> None:
        """Client to engine; a call begins where a piece begins like one."""
        with contextlib.suppress(OSError):
            while piece := line.client.recv(1 << 16):
                rule = self._match(piece)
                if rule is not None and rule.act == "before":
                    rule.reached.set()
                    return
                if rule is not None and rule.act == "refuse":
                    line.client.sendall(_NO)
                    rule.reached.set()
                    _end(line.client, line.engine)
                    return
                line.rule = rule or line.rule
                line.engine.sendall(piece)
            line.engine.shutdown(socket.SHUT_WR)

    def _match(self, piece: bytes) -> Rule | None:
        found = _REQUEST.match(piece)
        if not found:
            return None
        call = _VERSION.sub(" ", f"{found[1].decode()} {found[2].decode()}", count=1)
        self.calls.append(call)
        return next((rule for rule in self.rules if rule.takes(call)), None)


@dataclass
class _Line:
    """One connection through the door. `rule` is what its next answer meets."""

    client: socket.socket
    engine: socket.socket
    rule: Rule | None = None

    def give_back(self) -> None:
        with contextlib.suppress(OSError):
            while piece := self.engine.recv(1 << 16):
                if self.rule is not None:
                    self.rule.reached.set()
                    if self.rule.act == "lose":
                        _end(self.client, self.engine)
                    return
                self.client.sendall(piece)
            self.client.shutdown(socket.SHUT_WR)


def _end(*sockets: socket.socket) -> None:
    for one in sockets:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()

"""Reading through one ssh session whose command is ``reconciler readonly``, where sockets are not forwarded.

The session carries one connection. Whoever dials gets a pair of sockets of ours, whose requests go down the
session one after the other without waiting, and whose answers come back in the same order.
"""

from __future__ import annotations

import asyncio
import shlex
import socket
from collections import deque
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path

from providers.docker.endpoint import SshEndpoint
from providers.docker.line import Stream
from providers.docker.ssh_child import find_ssh
from providers.docker.ssh_rules import SshRules, session_words
from providers.docker.wire import BrokenAnswer, parse_head, read_head

_BUFFER = 1 << 20
_MAX_BODY = 64 << 20
_END = 2.0
"""Seconds in which ssh ends when its input has ended."""
_REFUSED = b'{"message":"read-only access: only reading is let through"}'


class SshSession:
    """One session; ``folder`` is private and keeps what ssh says."""

    def __init__(self, process: asyncio.subprocess.Process, said: Path) -> None:
        self._process = process
        self._said = said
        self._asked: deque[asyncio.StreamWriter] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self.has_answered = False
        self._begin(self._deliver())

    @classmethod
    async def open(cls, endpoint: SshEndpoint, rules: SshRules, folder: Path) -> SshSession:
        """Start it; what is wrong is told by the first request. Raises Refused where there is no ssh."""
        command = f"reconciler readonly --socket {shlex.quote(endpoint.path)}"
        said = folder / "said-reading"
        with said.open("wb") as words:
            process = await asyncio.create_subprocess_exec(
                find_ssh(),
                *session_words(endpoint, rules, command),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=words,
                env=rules.environment(),
                start_new_session=True,
                limit=_BUFFER,
            )
        return cls(process, said)

    def has_ended(self) -> bool:
        """Whether the session is no more."""
        return self._process.returncode is not None

    def said(self) -> str:
        """The end of what ssh printed."""
        with suppress(OSError):
            return self._said.read_bytes()[-8192:].decode("utf-8", "replace")
        return ""

    async def dial(self) -> Stream:
        """A connection whose requests go down the session. Raises OSError."""
        ours, theirs = socket.socketpair()
        reader, writer = await asyncio.open_unix_connection(sock=theirs, limit=_BUFFER)
        self._begin(self._carry(reader, writer))
        return await asyncio.open_unix_connection(sock=ours, limit=_BUFFER)

    async def close(self) -> None:
        """End it."""
        for task in self._tasks:
            task.cancel()
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._finish()

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Requests of one connection, into the session."""
        pipe = self._process.stdin
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            while pipe is not None:
                head = await reader.readuntil(b"\r\n\r\n")
                if not head.startswith(b"GET "):
                    writer.write(_refusal())
                    break
                # No other task between these two: answers come in the order of the requests.
                self._asked.append(writer)
                pipe.write(head)
                await pipe.drain()
        writer.close()

    async def _deliver(self) -> None:
        """Answers of the session, each to whoever asked."""
        pipe = self._process.stdout
        with suppress(OSError, BrokenAnswer, asyncio.IncompleteReadError, ValueError, IndexError):
            while pipe is not None:
                head = await read_head(pipe)
                _, headers = parse_head(head)
                length = int(headers.get("content-length", "0"))
                if not 0 <= length <= _MAX_BODY:
                    break
                body = await pipe.readexactly(length)
                self.has_answered = True
                asker = self._asked.popleft()
                if not asker.is_closing():  # else whoever asked has given up meanwhile
                    asker.write(head + body)
        await self._finish()  # what is no answer of the gate's, such as a greeting, ends it too
        while self._asked:
            self._asked.popleft().close()

    async def _finish(self) -> None:
        """Until ssh has ended, which it is made to where it does not by itself."""
        try:
            await asyncio.wait_for(self._process.wait(), _END)
        except TimeoutError:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()


def _refusal() -> bytes:
    return (
        b"HTTP/1.1 403 -\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: "
        + str(len(_REFUSED)).encode()
        + b"\r\n\r\n"
        + _REFUSED
    )

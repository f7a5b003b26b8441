"""The command as a process of its own, most often without the cost of its start; see warm_server.

`start_command` gives what `subprocess.Popen` gives, as far as tests use that. RECONCILER_TEST_COLD starts the
installed script each time.
"""

from __future__ import annotations

import atexit
import itertools
import json
import multiprocessing.connection
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO

COLD_EVERY = 8
"""Of so many commands one is started for itself: the real entry, and sets walked through in another order."""
AT_START = ("PYTHON", "LANG", "LC_")
"""Variables that the interpreter reads when it starts."""

_started = itertools.count()


def program() -> list[str]:
    """How a user starts the command: the installed script, or the module where there is none."""
    installed = Path(sys.executable).with_name("reconciler")
    return [str(installed)] if installed.exists() else [sys.executable, "-m", "reconciler"]


def start_command(words: Sequence[str], folder: Path, variables: Mapping[str, str]) -> Started:
    """`reconciler WORDS` in a folder, with these variables alone, its output as pipes."""
    if next(_started) % COLD_EVERY == 0 or needs_own_start(variables):
        return subprocess.Popen(
            [*program(), *words],
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=listen_to_interrupts,
        )
    try:
        return fork_command([program()[0], *words], folder, variables)
    except OSError:
        warm_server.cache_clear()  # it has died: the next one is another, and no test fails for it
        return fork_command([program()[0], *words], folder, variables)


def listen_to_interrupts() -> None:
    """A shell starts background jobs with SIGINT ignored, and their children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def needs_own_start(variables: Mapping[str, str]) -> bool:
    if os.environ.get("RECONCILER_TEST_COLD"):
        return True
    here, there = (
        {name: value for name, value in of.items() if name.startswith(AT_START)}
        for of in (os.environ, variables)
    )
    return here != there


@cache
def warm_server() -> socket.socket:
    """The line to this process's server, which ends with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        line, server = theirs.fileno(), str(Path(__file__).with_name("warm_server.py"))
        process = subprocess.Popen(
            [sys.executable, server, str(line), program()[0]], pass_fds=[line], stdin=subprocess.DEVNULL
        )
    assert ours.recv(16) == b"ready", "the server did not start"

    def end() -> None:
        ours.close()
        process.wait(30)

    atexit.register(end)
    return ours


def fork_command(words: Sequence[str], folder: Path, variables: Mapping[str, str]) -> WarmProcess:
    report, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    out, err = os.pipe(), os.pipe()
    files = [os.open(os.devnull, os.O_RDONLY), out[1], err[1], os.open(folder, os.O_PATH), theirs.detach()]
    message = json.dumps({"words": list(words), "variables": dict(variables)}).encode()
    socket.send_fds(warm_server(), [message], files)
    for file in files:
        os.close(file)
    pid, watches, _, _ = socket.recv_fds(report, 32, 1)
    if not watches:
        raise BrokenPipeError("the server has died")
    (watched,) = watches
    return WarmProcess(list(words), int(pid), os.fdopen(out[0]), os.fdopen(err[0]), watched, report)


@dataclass
class WarmProcess:
    """A fork of the server that became the command. Its end is heard from the server, whose child it is."""

    args: list[str]
    pid: int
    stdout: IO[str]
    stderr: IO[str]
    watched: int
    """A pidfd: it can mean no other process."""
    report: socket.socket
    returncode: int | None = None
    _read: dict[str, str] = field(default_factory=dict)
    _readers: list[threading.Thread] = field(default_factory=list)

    def poll(self) -> int | None:
        return self._hear_end(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._hear_end(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def _hear_end(self, timeout: float | None) -> int | None:
        if self.returncode is None and multiprocessing.connection.wait([self.report], timeout):
            self.returncode = int(self.report.recv(32))
            self.report.close()
            os.close(self.watched)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it still says on both streams, and its end. It can be called again after TimeoutExpired."""
        if not self._readers:
            streams = (("out", self.stdout), ("err", self.stderr))
            self._readers += [
                threading.Thread(target=self._read_all, args=one, daemon=True) for one in streams
            ]
            for reader in self._readers:
                reader.start()
        for reader in self._readers:
            reader.join(timeout)
            if reader.is_alive():
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
        self.wait(timeout)
        return self._read["out"], self._read["err"]

    def _read_all(self, name: str, stream: IO[str]) -> None:
        with stream:
            self._read[name] = stream.read()

    def send_signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            if self.poll() is None:
                signal.pidfd_send_signal(self.watched, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


Started = subprocess.Popen[str] | WarmProcess

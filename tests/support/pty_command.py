"""A command on a terminal of its own: what a person types, sees, and how the window is resized."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class OnTerminal:
    """A running command whose standard streams are one terminal."""

    pid: int
    master: int
    seen: bytes = b""
    code: int | None = field(default=None)

    @classmethod
    def start(cls, command: list[str], cwd: Path, variables: Mapping[str, str]) -> OnTerminal:
        pid, master = pty.fork()
        if pid == 0:
            os.chdir(cwd)
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.execvpe(command[0], command, dict(variables))
        return cls(pid, master)

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def until(self, words: str, seconds: float = 30.0) -> str:
        """What it has shown, once that holds the words."""
        end = time.monotonic() + seconds
        while words.encode() not in self.seen:
            assert time.monotonic() < end, f"no {words!r} in {self.seen!r}"
            if not self._read(0.1) and self.code is not None:
                raise AssertionError(f"it ended with {self.code}: {self.seen!r}")
        return self.seen.decode("utf-8", "replace")

    def forget(self) -> None:
        """What comes from now on."""
        self.seen = b""

    def is_raw(self) -> bool:
        """Whether keys reach the command as they are typed."""
        return not termios.tcgetattr(self.master)[3] & termios.ICANON

    def wait(self, seconds: float = 30.0) -> int:
        """Its exit code."""
        end = time.monotonic() + seconds
        while self.code is None:
            assert time.monotonic() < end, f"it does not end: {self.seen!r}"
            self._read(0.1)
            self._reap()
        while self._read(0.05):
            pass
        return self.code

    def close(self) -> None:
        """End it, whatever it does."""
        self._reap()
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.master)

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return False
        try:
            piece = os.read(self.master, 1 << 16)
        except OSError:
            self._reap()
            return False
        self.seen += piece
        return bool(piece)

    def _reap(self) -> None:
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)

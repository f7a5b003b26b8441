"""ssh as a child process that ends with us, however we end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from reconciler.fault import Refused

SOCKET = "engine.sock"
_SAID = "said"
_LONGEST = 70
"""Bytes of a folder's path in which a socket finds room."""
_SHORT_FOLDER = "/tmp"  # noqa: S108 # the folder in it is made private, under a name that nobody can guess
_UNTIL_EOF = 'exec 3<&0; { read -r _; kill 0; } <&3 & exec "$@" 3<&- </dev/null'
"""Its own process group, which is ended when the pipe from us ends: at our end, a kill -9 too."""


@dataclass(frozen=True, slots=True)
class SshChild:
    """A running ssh, and the private folder with its socket and with what it says."""

    process: subprocess.Popen[bytes]
    lifeline: IO[bytes]
    folder: Path

    @property
    def socket(self) -> Path:
        """Is there as soon as ssh has authenticated."""
        return self.folder / SOCKET

    def has_ended(self) -> bool:
        """Whether the connection is no more."""
        return self.process.poll() is not None

    def said(self) -> str:
        """The end of what it printed on stderr."""
        try:
            return (self.folder / _SAID).read_bytes()[-8192:].decode("utf-8", "replace")
        except OSError:
            return ""

    def end(self) -> None:
        """End it and its group. Blocking, for a moment."""
        with suppress(OSError):
            self.lifeline.close()
        try:
            self.process.wait(2.0)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def remove(self) -> None:
        """End it and remove its folder. Blocking, for a moment."""
        self.end()
        shutil.rmtree(self.folder, ignore_errors=True)


def start_child(folder: Path, words: Sequence[str], environment: Mapping[str, str]) -> SshChild:
    """Start ssh with these words. Raises Refused where there is no ssh."""
    (folder / SOCKET).unlink(missing_ok=True)
    with (folder / _SAID).open("wb") as said:
        process = subprocess.Popen(
            ["/bin/sh", "-c", _UNTIL_EOF, "sh", find_ssh(), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=said,
            env=dict(environment),
            start_new_session=True,
        )
    if process.stdin is None:
        raise ValueError("a child without the pipe that was asked for")
    return SshChild(process, process.stdin, folder)


def make_folder() -> Path:
    """A private folder whose path is short and holds nothing that ssh would expand or split."""
    chosen = tempfile.gettempdir()
    plain = len(chosen.encode()) <= _LONGEST and not set(chosen) & set(":%$~\"' \\")
    return Path(tempfile.mkdtemp(prefix="reconciler-ssh-", dir=chosen if plain else _SHORT_FOLDER))


def find_ssh() -> str:
    """The system's ssh. Raises Refused where there is none."""
    found = shutil.which("ssh")
    if found is None:
        raise Refused(
            "DKR050", "ssh", "not there, or not in PATH", "the system's ssh", "install openssh-client"
        )
    return found

"""Runs git, and only in one way: a list that we build, an environment from scratch, a deadline.

What talks to a remote goes through GitPython's ``Git.execute``, imported on first use (its ``Repo`` and
``Remote`` objects hold descriptors and children for as long as the process lives). What only reads the local
object store does not need it: see the decision record ``git-reads-without-gitpython``.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.fault import ProviderError, Refused

if TYPE_CHECKING:
    from git.cmd import Git

READ_TIMEOUT = 60.0
_KEPT = ("PATH", "HOME", "TMPDIR", "SSH_AUTH_SOCK", "SUDO_UID")
_SCRATCH = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_ASKPASS": "false",
    "GIT_PROTOCOL_FROM_USER": "0",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_LITERAL_PATHSPECS": "1",
}
_SAFE_OPTIONS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.attributesFile=/dev/null",
    "core.quotePath=false",
    "core.commitGraph=true",
    "protocol.ext.allow=never",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
)
_LOGIN = re.compile(
    r"Authentication failed|could not read (?:Username|Password)|Permission denied \("
    r"|Host key verification failed"
)
_LOGIN_REMEDY = "look at the credential, or the key and known_hosts; it will be tried again"
_NO_ROOM = re.compile(r"File too large|No space left on device|Disk quota exceeded")
_PROMISED = re.compile(r"from promisor remote|lazy fetching disabled")
"""What a clone that was made with a filter says of what it left out."""
_LIMITED = """trap '' XFSZ; ulimit -f "$0"; exec "$@\""""
_ROOM_REMEDY = "make room, or keep large files out of the repository; what was fetched before is kept"
_MAX_SHOWN = 2_000
_NOT_FOUND = 127


@dataclass(frozen=True, slots=True)
class Answer:
    """What git said: exit status, standard output, and standard error as text (cut, printable)."""

    status: int
    stdout: bytes = field(repr=False)
    stderr: str

    @property
    def text(self) -> str:
        """Standard output without its last line end."""
        return self.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")


@dataclass(frozen=True, slots=True)
class GitCommand:
    """git in one folder. ``protocols`` may be used for fetching; none by default."""

    folder: Path
    protocols: tuple[str, ...] = ()
    trusted: str | None = None
    """A repository of another user that the user's own ``safe.directory`` names."""
    quarantine: tuple[tuple[str, str], ...] = ()
    """Variables that name where the objects of a push lie before it is taken (git-receive-pack(1))."""
    most_bytes: int | None = None
    """How large a file may get that git writes, a pack above all; no limit by default."""

    def ask(self, *arguments: str, stdin: bytes | None = None, timeout: float = READ_TIMEOUT) -> Answer:
        """Run one command and give its answer, whatever its status. Raises ProviderError at the deadline
        and Refused when git is not installed."""
        run = _run_remote if self.protocols else _run_local
        status, stdout, stderr = run(self.folder, self._line(arguments), self._variables(), stdin, timeout)
        if status == _NOT_FOUND:
            raise Refused(
                "GIT005", "git", "not installed, or not in PATH", "git 2.34 or later", "install git"
            )
        if status < 0:
            raise ProviderError(
                "GIT001",
                f"git {_verb(arguments)} in {self.folder}",
                f"ended by a signal, or after {timeout:g} s",
                "an answer in time",
                "look at the disk and the remote; it will be tried again",
            )
        return Answer(status, stdout, _printable(stderr))

    def read(self, *arguments: str, stdin: bytes | None = None, timeout: float = READ_TIMEOUT) -> Answer:
        """As ``ask``, for a command that must succeed: another status raises ProviderError."""
        answer = self.ask(*arguments, stdin=stdin, timeout=timeout)
        if answer.status:
            raise self.failure(_verb(arguments), answer)
        return answer

    def user_setting(self, name: str) -> list[str]:
        """The values of a setting in the user's own configuration, which no other command reads."""
        line = ["git", "config", "--global", "--get-all", name]
        variables = {name: text for name, text in self._variables().items() if name != "GIT_CONFIG_GLOBAL"}
        status, stdout, _ = _run_local(self.folder, line, variables, None, READ_TIMEOUT)
        return stdout.decode("utf-8", "replace").splitlines() if status == 0 else []

    def failure(self, verb: str, answer: Answer) -> ProviderError:
        """The error for an answer that should not have been."""
        where = f"git {verb} in {self.folder}"
        if "dubious ownership" in answer.stderr:
            return Refused(
                "GIT003",
                where,
                "the repository belongs to another user",
                "a repository of the user who runs this",
                f"run as its owner, or: git config --global --add safe.directory {self.folder}",
            )
        if "not a git repository" in answer.stderr:
            return Refused(
                "GIT002", where, "not a git repository", "a folder inside a clone", f"git init {self.folder}"
            )
        lines = answer.stderr.splitlines()
        if _PROMISED.search(answer.stderr):
            seen, expected = "an object of the commit is not in the clone", "a clone with its objects"
            return Refused("GIT006", where, seen, expected, "git fetch --refetch --no-filter")
        for line in lines:
            if _LOGIN.search(line):
                return ProviderError("GIT013", where, line, "a login that the remote takes", _LOGIN_REMEDY)
        for line in lines:
            if _NO_ROOM.search(line):
                return ProviderError("GIT015", where, line, "room for what is fetched", _ROOM_REMEDY)
        last = lines[-1:] or ["no message"]
        return ProviderError("GIT004", where, f"exit status {answer.status}: {last[0]}", "exit status 0")

    def _line(self, arguments: Sequence[str]) -> list[str]:
        trusted = (f"safe.directory={self.trusted}",) if self.trusted else ()
        options = [part for option in (*_SAFE_OPTIONS, *trusted) for part in ("-c", option)]
        limit = () if self.most_bytes is None else ("sh", "-c", _LIMITED, str(self.most_bytes // 512))
        return [*limit, "git", *options, *arguments]

    def _variables(self) -> dict[str, str]:
        """All that git gets of an environment."""
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        return {
            **kept,
            **_SCRATCH,
            **dict(self.quarantine),
            "GIT_ALLOW_PROTOCOL": ":".join(self.protocols) or "none",
        }


@functools.cache
def _env() -> str:
    return shutil.which("env") or "/usr/bin/env"


@functools.cache
def _git(folder: str) -> Git:
    """GitPython's command object. Its import would run ``git version``, unless git's name names nothing."""
    before = {name: os.environ.get(name) for name in ("GIT_PYTHON_REFRESH", "GIT_PYTHON_GIT_EXECUTABLE")}
    os.environ.update(GIT_PYTHON_REFRESH="quiet", GIT_PYTHON_GIT_EXECUTABLE="/nonexistent/git")
    try:
        from git.cmd import Git
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
    return Git(folder)


def _run_local(
    folder: Path, line: list[str], variables: Mapping[str, str], stdin: bytes | None, timeout: float
) -> tuple[int, bytes, str]:
    """A negative status is a signal, or the deadline: then the child and its children are ended."""
    try:
        child = subprocess.Popen(
            line,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        return (_NOT_FOUND if folder.is_dir() else 128), b"", f"not a git repository ({error.strerror})"
    return _end(child, stdin, timeout)


def _run_remote(
    folder: Path, line: list[str], variables: Mapping[str, str], stdin: bytes | None, timeout: float
) -> tuple[int, bytes, str]:
    # GitPython adds to the environment of this process; env -i is what begins from nothing.
    scratch = [_env(), "-i", *(f"{name}={text}" for name, text in variables.items())]
    with tempfile.TemporaryFile() as stream:
        stream.write(stdin or b"")
        stream.seek(0)
        # Its own deadline needs ps or pgrep, which small images lack, and leaves what git has started.
        running = _git(str(folder)).execute(
            [*scratch, *line], istream=stream, as_process=True, start_new_session=True
        )  # held to its end: what nobody holds, GitPython ends
        child = running.proc
        if child is None:
            raise ProviderError("GIT004", f"git in {folder}", "it did not start", "a running git")
        return _end(child, None, timeout)


def _end(child: subprocess.Popen[bytes], stdin: bytes | None, timeout: float) -> tuple[int, bytes, str]:
    """What the leader of a session said; at the deadline all of its session is ended."""
    with child:
        try:
            stdout, stderr = child.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            return -signal.SIGKILL, b"", ""
    return child.returncode, stdout, stderr.decode("utf-8", "replace")


def _verb(arguments: Sequence[str]) -> str:
    """The subcommand, past options of git itself."""
    at = 0
    while at + 2 < len(arguments) and arguments[at] == "-c":
        at += 2
    return arguments[at]


def _printable(text: str) -> str:
    """Without control characters, at most 2,000 characters: a remote can write what it likes."""
    return "".join(c for c in text[-_MAX_SHOWN:] if c.isprintable() or c == "\n")

"""A process that has imported the command, and becomes it when it is asked: ``warm_server.py FD PROGRAM``.

Most of what a short command costs is its start. Here that is paid once: each command is a fork of this
process, which then has the words, variables, folder and streams that it was given, and nothing else that was
open. From there on it is what PROGRAM, the installed script, is: the same code to the end of the interpreter.

Shared by all forks of one server is the order in which sets are walked through: so warm_command starts
PROGRAM itself now and then. No module of ours may keep what it read of the process when it was imported.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass

LARGEST = 1 << 20
STREAMS = 3
"""First come the streams, then the folder, then where it is told how the command ended."""


@dataclass(frozen=True)
class Job:
    """One command: its words, its variables, and the open files that came with them."""

    words: list[str]
    variables: dict[str, str]
    files: list[int]


def warm_up() -> None:
    """Import all that a command may import, once."""
    for name in ("specs", "reconciler", "providers"):
        package = importlib.import_module(name)
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not found.name.endswith("__main__"):
                importlib.import_module(found.name)
    gc.collect()
    gc.freeze()  # the forks share these pages as long as nobody walks over them


def serve(control: socket.socket) -> Job | None:
    """Fork for each job until nobody can ask any more. Returns the job in a fork, None in the server."""
    ended: dict[int, tuple[int, socket.socket]] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fd != control.fileno():
                    selector.unregister(key.fd)
                    tell_end(*ended.pop(key.fd))
                    os.close(key.fd)
                    continue
                message, files, _, _ = socket.recv_fds(control, LARGEST, STREAMS + 2)
                if not message:
                    return None
                job = Job(**json.loads(message), files=files)
                pid = os.fork()
                if pid == 0:
                    for _, report in ended.values():
                        report.close()
                    control.close()
                    return job
                report = socket.socket(fileno=files[-1])
                for file in files[:-1]:
                    os.close(file)
                watched = os.pidfd_open(pid)
                with suppress(OSError):  # who asked may be gone: that is no end for the others
                    socket.send_fds(report, [str(pid).encode()], [watched])
                ended[watched] = (pid, report)
                selector.register(watched, selectors.EVENT_READ)


def tell_end(pid: int, report: socket.socket) -> None:
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with report, suppress(OSError):
        report.send(str(code).encode())


def become(job: Job) -> None:
    """Be a process that was just started: these streams and no other file, this folder, these variables."""
    for stream in range(STREAMS):
        os.dup2(job.files[stream], stream)
    os.fchdir(job.files[STREAMS])
    os.closerange(STREAMS, max(map(int, os.listdir("/proc/self/fd"))) + 1)
    sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]
    os.environ.clear()
    os.environ.update(job.variables)
    time.tzset()
    sys.argv[:] = job.words
    signal.signal(signal.SIGINT, signal.default_int_handler)


def start() -> Job | None:
    control, program = socket.socket(fileno=int(sys.argv[1])), sys.argv[2]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever interrupts the tests means their commands
    sys.path[0] = os.path.dirname(program)
    os.environ["PYDANTIC_DISABLE_PLUGINS"] = "__all__"  # as the command's own start does, before the import
    warm_up()
    control.send(b"ready")
    return serve(control)


if __name__ == "__main__":
    job = start()
    if job is not None:
        become(job)
        from reconciler.cli.start import main

        sys.exit(main())

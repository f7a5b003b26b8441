"""Finding and ending exactly the processes that belong to one state folder.

A process belongs when it is one of the programs that we start and one of its arguments lies inside the
folder, or when it lives in the engine's own cgroup. No pid file is trusted: after a kill -9 or a restart of
the machine a remembered pid may be another program's.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path

PROGRAMS = ("dockerd", "containerd", "containerd-shim", "containerd-shim-runc-v2", "docker-registry", "runc")
CGROUP_FOLDER = Path("/sys/fs/cgroup")


def wait_until(ready: Callable[[], bool], seconds: float, step: float = 0.05) -> bool:
    """True as soon as `ready` says so; False when the time is over."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(step)
    return True


def list_pids() -> list[int]:
    if not os.path.isdir("/proc"):
        return []
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]


def read_arguments(pid: int) -> list[str]:
    """The command line; empty for a process that is gone, a zombie or a kernel thread."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
    except OSError:
        return [""]


def is_of_folder(arguments: list[str], folder: Path) -> bool:
    inside = f"{folder}/"
    names_folder = any(part.startswith(inside) or f"={inside}" in part for part in arguments[1:])
    return names_folder and Path(arguments[0]).name in PROGRAMS


def find_pids(folder: Path, *program_names: str) -> list[int]:
    """Our programs that work for `folder`, all or only those named."""
    found = []
    for pid in list_pids():
        arguments = read_arguments(pid)
        wanted = not program_names or Path(arguments[0]).name in program_names
        if wanted and is_of_folder(arguments, folder):
            found.append(pid)
    return found


def find_cgroup_pids(cgroup_name: str) -> list[int]:
    """Every process in the named top-level cgroup, in whatever hierarchy."""
    found = []
    for pid in list_pids():
        try:
            text = Path(f"/proc/{pid}/cgroup").read_text()
        except OSError:
            continue
        if f":/{cgroup_name}/" in text or f":/{cgroup_name}\n" in text:
            found.append(pid)
    return found


def send_signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def end(find: Callable[[], list[int]], grace_s: float) -> None:
    """TERM what `find` finds, and after the grace period KILL until it finds nothing."""
    if grace_s > 0:
        send_signal(find(), signal.SIGTERM)
        wait_until(lambda: not find(), grace_s)
    for _ in range(5):
        send_signal(find(), signal.SIGKILL)
        if wait_until(lambda: not find(), 2):
            return


def remove_cgroups(cgroup_name: str) -> None:
    """Remove the named cgroup and what is below it, from each hierarchy; a busy one is left."""
    tops = [CGROUP_FOLDER / cgroup_name, *CGROUP_FOLDER.glob(f"*/{cgroup_name}")]
    for top in tops:
        for folder, _, _ in os.walk(top, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                continue


def mount_points_below(folder: Path) -> list[str]:
    """Mount points inside the folder, the deepest and latest first."""
    table = Path("/proc/self/mountinfo")
    lines = table.read_text().splitlines() if table.exists() else []
    points = [line.split()[4].encode().decode("unicode_escape") for line in lines]
    return [point for point in reversed(points) if point.startswith(f"{folder}/")]


def remove_folder(folder: Path) -> None:
    """Unmount everything below the folder, then remove it; no mount's content is ever deleted."""
    for _ in range(3):
        for point in mount_points_below(folder):
            subprocess.run(["umount", "--lazy", point], capture_output=True)
        if not mount_points_below(folder):
            break
    else:
        return
    shutil.rmtree(folder, ignore_errors=True)

"""The room where an engine keeps images, and the platform that it runs: as far as that can be told from here.

The API tells the folder, not how full its disk is. The disk is asked where it is surely the engine's own:
behind a unix socket, on a machine that calls itself what the engine calls its own. Else nobody knows.
"""

from __future__ import annotations

import os
import socket

from providers.docker.line import Line, SocketLine
from providers.docker.tree import Node, rows, text

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386", "i386": "386"}
_ELSEWHERE = "io.containerd.snapshotter"
"""Where containerd keeps the images, they are not below the engine's folder."""


def free_bytes(about: Node, line: Line) -> int | None:
    """Bytes free for images of the engine that says this of itself; None where nobody can tell."""
    folder = text(about, "DockerRootDir")
    is_here = isinstance(line, SocketLine) and text(about, "Name") == socket.gethostname()
    if not is_here or not os.path.isabs(folder) or _ELSEWHERE in str(rows(about, "DriverStatus")):
        return None
    try:
        disk = os.statvfs(folder)
    except OSError:
        return None
    return disk.f_bavail * disk.f_frsize


def platform_of(about: Node) -> str:
    """As registries write it, such as ``linux/amd64``; empty where the engine does not say."""
    system, machine = text(about, "OSType"), text(about, "Architecture")
    return f"{system}/{_ARCHITECTURES.get(machine, machine)}" if system and machine else ""

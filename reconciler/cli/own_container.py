"""What may be the id of the container that this process runs in; nothing outside of one."""

from __future__ import annotations

import re
import socket
from functools import cache
from pathlib import Path

_ID = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_SHORT = re.compile(r"[0-9a-f]{12}")
_GIVEN = ("/etc/hostname", "/etc/hosts", "/etc/resolv.conf")
"""Files that an engine mounts from the container's own folder. Elsewhere in the table the ids of other
containers can stand: on the host there are the mounts of all of them."""


@cache
def own_container_ids() -> frozenset[str]:
    """Candidates: each counts only where an observed instance bears it."""
    return container_ids(_read("/proc/self/mountinfo"), _read("/proc/self/cgroup"), socket.gethostname())


def container_ids(mountinfo: str, cgroup: str, hostname: str) -> frozenset[str]:
    """The ids that these tell: mounts (cgroup v2 hides the rest), the innermost cgroup (v1, or v2 in the
    host's namespace), and a host name that is the start of an id, as engines give where nobody says one."""
    found: set[str] = set()
    for line in mountinfo.splitlines():
        words = line.split(" ")
        if len(words) > 4 and words[4] in _GIVEN:
            found.update(_ID.findall(words[3])[-1:])
    for line in cgroup.splitlines():
        found.update(_ID.findall(line.rpartition("/")[2])[-1:])
    if _SHORT.fullmatch(hostname):
        found.add(hostname)
    return frozenset(found)


def _read(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""

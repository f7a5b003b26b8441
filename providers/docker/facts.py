"""What an engine says of itself: version, clock, disk, and which limits it can keep."""

from __future__ import annotations

import os
import time

from providers.docker.engine import Engine
from providers.docker.tree import Node, flag, moment, text, texts
from reconciler.dialogue import RuntimeFacts

_LIMITS = {
    "MemoryLimit": "memory limits",
    "SwapLimit": "swap limits",
    "CpuCfsQuota": "cpu limits",
    "PidsLimit": "process limits",
}
_ANSWER = 8.0


async def examine(engine: Engine) -> RuntimeFacts:
    """Ask for version and facts. Raises EngineError."""
    api = await engine.version()
    began = time.time()
    found = await engine.read("/info", deadline=_ANSWER)
    ours = (began + time.time()) / 2
    theirs = moment(found, "SystemTime") or engine.clock() or ours
    return RuntimeFacts(
        version=text(found, "ServerVersion"),
        api=api,
        skew=theirs - ours,
        disk=_disk(engine, found),
        lacks=tuple(words for key, words in _LIMITS.items() if key in found and not flag(found, key)),
        warnings=tuple(line.removeprefix("WARNING: ") for line in texts(found, "Warnings")),
    )


def _disk(engine: Engine, found: Node) -> tuple[int, int] | None:
    """Free and whole bytes where the engine keeps its objects: only one on this machine shows them."""
    root = text(found, "DockerRootDir")
    if not root or text(found, "Name") != os.uname().nodename or not os.path.isdir(root):
        return None
    try:
        disk = os.statvfs(root)
    except OSError:
        return None
    return disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize

"""What every process tells of itself, under the names that every client of Prometheus uses, and its build."""

from __future__ import annotations

import os
import platform
import resource
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from reconciler.cli.metric_text import Family, Sample
from reconciler.cli.version import tool_version

_STARTED: Final = 19
"""Which word after the name in /proc/self/stat says when the process was started, in ticks since the boot."""


def process_families() -> Iterable[Family]:
    """Memory, time, descriptors, and which build this is. What the system does not tell is left out."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    labels = {"version": tool_version(), "python": platform.python_version()}
    yield Family("build_info", "gauge", "1, with what was built.", (Sample(1, labels),))
    yield _own("cpu_seconds_total", "counter", "Processor time.", used.ru_utime + used.ru_stime)
    yield _own(
        "max_fds", "gauge", "Descriptors that it may have.", resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    )
    with suppress(OSError, ValueError, StopIteration):
        yield _own("start_time_seconds", "gauge", "When the process began, since 1970.", _began())
    with suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        size = os.sysconf("SC_PAGE_SIZE")
        yield _own("resident_memory_bytes", "gauge", "Memory in use.", pages * size)
        yield _own("open_fds", "gauge", "Descriptors that are open.", len(os.listdir("/proc/self/fd")))


def _began() -> float:
    """Seconds since 1970. Raises OSError, ValueError, StopIteration where there is no such /proc."""
    ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[_STARTED])
    lines = Path("/proc/stat").read_text().splitlines()
    booted = next(int(line.split()[1]) for line in lines if line.startswith("btime "))
    return booted + ticks / os.sysconf("SC_CLK_TCK")


def _own(name: str, kind: str, meaning: str, value: float) -> Family:
    return Family(f"process_{name}", kind, meaning, (Sample(value, {}),), prefix="")

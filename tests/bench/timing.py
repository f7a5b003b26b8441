"""One command as a whole process: wall time and peak memory, from the operating system's own accounting."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Run:
    """Seconds of wall time and of processor time, and the peak of the process's own memory in MB."""

    wall: float
    cpu: float
    peak: float


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Run:
    """Run it to its end. Raises AssertionError with its output when it fails."""
    began = time.monotonic()
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - began
    assert process.returncode == 0, f"{' '.join(command)}: {output.decode(errors='replace')[-2000:]}"
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


@dataclass(frozen=True)
class Pair:
    """Ours and a peer's, run in turn; ``ratio`` is the median of the pairs' ratios of wall time."""

    ours: Run
    peer: Run
    ratio: float


def in_turn(ours: Callable[[], Run], peer: Callable[[], Run], times: int = 7) -> Pair:
    """Ours, theirs, ours, theirs …, after one of each to warm up; medians."""
    ours(), peer()
    pairs = [(ours(), peer()) for _ in range(times)]
    ratio = statistics.median(a.wall / b.wall for a, b in pairs)
    return Pair(_median([a for a, _ in pairs]), _median([b for _, b in pairs]), ratio)


def _median(runs: Sequence[Run]) -> Run:
    return Run(
        statistics.median(r.wall for r in runs),
        statistics.median(r.cpu for r in runs),
        max(r.peak for r in runs),
    )

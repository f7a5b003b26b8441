"""A loop that keeps many services of which nothing is heard: processor, memory, descriptors."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from fleet import Fleet

from ground import RunningEngine

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Idle:
    """Share of one core over ``seconds``; megabytes at its end and at its peak; open descriptors."""

    seconds: float
    core: float
    memory: float
    peak: float
    descriptors: int

    def __str__(self) -> str:
        return (
            f"{100 * self.core:.2f} % of a core over {self.seconds:.0f} s, {self.memory:.0f} MB "
            f"(peak {self.peak:.0f}), {self.descriptors} descriptors"
        )


def measure_idle(engine: RunningEngine, fleet: Fleet, folder: Path, seconds: float) -> Idle:
    """Keep what runs already, and do nothing for so long."""
    folder.mkdir()
    repository = {"name": "fleet", "folder": str(fleet.folder), "bounds": "any"}
    document = {
        "apiVersion": "reconciler/v1",
        "kind": "Run",
        "metadata": {"name": "bench"},
        "spec": {"repositories": [repository]},
    }
    (folder / "run.yaml").write_text(json.dumps(document))
    variables = {
        "RECONCILER_ENDPOINT_DEV": f"unix://{engine.socket}",
        "XDG_STATE_HOME": str(folder / "state"),
        "RECONCILER_LOG": "json",
    }
    command = [str(Path(sys.executable).with_name("reconciler")), "run", "--config", str(folder / "run.yaml")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, env={**os.environ, **engine.environment, **variables}, stdout=log, stderr=log
        )
    try:
        time.sleep(15)  # start-up, and the first looks
        before = _processor(process.pid)
        began = time.monotonic()
        time.sleep(seconds)
        took = time.monotonic() - began
        status = _status(process.pid)
        core = (_processor(process.pid) - before) / took
        descriptors = len(os.listdir(f"/proc/{process.pid}/fd"))
        return Idle(took, core, status["VmRSS"], status["VmHWM"], descriptors)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _processor(pid: int) -> float:
    """Seconds of processor, those of ended children too."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / _TICKS


def _status(pid: int) -> dict[str, float]:
    """Megabytes by name."""
    rows = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {row[0].rstrip(":"): int(row[1]) / 1024 for row in rows if row and row[0] in ("VmRSS:", "VmHWM:")}

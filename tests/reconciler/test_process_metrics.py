"""What a loop's process tells of itself is what the system has of it."""

from __future__ import annotations

import time
from pathlib import Path

from reconciler.cli.loop_process_metrics import process_families

_IMPORTED = time.time()


def test_it_began_before_all_of_this_and_after_the_machine() -> None:
    told = {family.name: family.samples[0].value for family in process_families()}
    assert told["process_cpu_seconds_total"] <= time.process_time()
    assert ("process_start_time_seconds" in told) == Path("/proc/self/stat").exists()
    if "process_start_time_seconds" in told:
        up = float(Path("/proc/uptime").read_text().split()[0])
        assert time.time() - up - 2 <= told["process_start_time_seconds"] <= _IMPORTED

"""Judgements about one instance."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lone_instances import lone_instance
from reconciler.observed import Health, Phase
from reconciler.readiness import (
    failure,
    is_ready,
    longest_interruption,
    proved_at,
    ready_at,
    runs,
    serves,
    start_error,
)
from reconciler.traffic import Probe
from sketches import Sketch, desired
from specs.rollout_times import HealthTimes

CHECKED = desired(Sketch("web", deadline=60.0)).services["web"]
PLAIN = desired(Sketch("web", check=False)).services["web"]
JOB = desired(Sketch("web", check=False, restart="no")).services["web"]
UP = lone_instance()


def test_without_a_check_ready_is_five_seconds_of_uptime() -> None:
    spec = PLAIN.form.spec
    assert ready_at(UP, spec) == 1005.0
    assert not is_ready(UP, spec, 1004.9)
    assert is_ready(UP, spec, 1005.0)


def test_with_a_check_ready_is_one_interval_of_health() -> None:
    spec = CHECKED.form.spec
    healthy = replace(UP, health=Health.HEALTHY, healthy_since=1010.0)
    assert ready_at(healthy, spec) == 1011.0
    assert ready_at(replace(healthy, health=Health.STARTING), spec) is None


def test_health_from_before_the_start_counts_from_the_start() -> None:
    """A health log can be older than the last start, and a clock can step back."""
    healthy = replace(UP, health=Health.HEALTHY, healthy_since=10.0)
    assert ready_at(healthy, CHECKED.form.spec) == 1001.0


@pytest.mark.parametrize("phase", [p for p in Phase if p is not Phase.RUNNING])
def test_only_what_runs_is_ready(phase: Phase) -> None:
    assert ready_at(replace(UP, phase=phase), PLAIN.form.spec) is None
    assert not serves(replace(UP, phase=phase))


def test_what_has_a_process_runs() -> None:
    running = {phase for phase in Phase if runs(replace(UP, phase=phase))}
    assert running == {Phase.RUNNING, Phase.PAUSED, Phase.RESTARTING}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"exits": 2, "exit_code": 1}, None),
        ({"exits": 3, "exit_code": 1}, "it exited 3 times"),
        ({"exits": 3, "exit_code": 137, "out_of_memory": True}, "more memory than its limit"),
        ({"phase": Phase.EXITED, "exit_code": 126, "exits": 1}, "cannot be run"),
        ({"phase": Phase.RESTARTING, "exit_code": 127, "exits": 1}, "cannot be run"),
        ({"health": Health.UNHEALTHY, "last_health_output": "refused"}, "its health check says unhealthy"),
        ({"health": Health.UNHEALTHY, "phase": Phase.PAUSED}, None),
        ({"health": Health.STARTING, "started_at": 930.0}, "not ready within 60 s"),
    ],
)
def test_what_is_a_failure_and_what_is_not(changes: dict[str, object], words: str | None) -> None:
    instance = replace(UP, **changes)  # type: ignore[arg-type] # fields of Instance by the rows above
    found = failure(instance, CHECKED.form.spec, 1001.0)
    assert (found is None) if words is None else (found is not None and words in found)


def test_a_job_fails_by_its_exit_code_and_by_no_deadline() -> None:
    assert failure(replace(UP, started_at=1.0, created_at=1.0), JOB.form.spec, 1e9) is None
    ended = replace(UP, phase=Phase.EXITED, exit_code=0, exits=1)
    assert failure(ended, JOB.form.spec, 1001.0) is None
    assert failure(replace(ended, exit_code=2), JOB.form.spec, 1001.0) == "the last exit code was 2"


def test_a_refused_start_is_the_images_fault_or_it_is_not() -> None:
    refused = replace(UP, phase=Phase.CREATED, started_at=None, error="port is taken", exit_code=128)
    assert start_error(refused) == "port is taken"
    assert failure(refused, CHECKED.form.spec, 1001.0) is None
    fault = replace(refused, exit_code=127, error="no such file")
    assert start_error(fault) is None
    assert failure(fault, CHECKED.form.spec, 1001.0) is not None


def test_only_stop_first_without_a_floor_interrupts() -> None:
    spec = CHECKED.form.spec
    assert longest_interruption(spec, "stop-first", 0) == 10.0 + 60.0
    assert longest_interruption(spec, "stop-first", 1) is None
    assert longest_interruption(spec, "start-first", 0) is None


def test_a_probe_that_still_succeeds_is_proof_and_one_that_hangs_is_waited_for() -> None:
    spec = desired(Sketch("web", words=(("rollout", {}),))).services["web"].form.spec
    check = HealthTimes(interval=10.0, timeout=5.0)
    healthy = replace(UP, health=Health.HEALTHY, healthy_since=1000.0, check=check)
    gate = 1001.0
    assert proved_at(healthy, spec, gate + 12) == gate + 30, "the pace is that of the check that runs"
    probed = replace(healthy, checked_at=gate + 30.5)
    assert proved_at(probed, spec, gate + 31) == gate + 30
    last = replace(healthy, checked_at=1030.1)
    assert proved_at(last, spec, gate + 30) == gate + 30, "three probes after the first one are enough"
    hanging = replace(healthy, checked_at=gate + 21)
    assert proved_at(hanging, spec, gate + 31) == gate + 33, "it is looked at again"
    assert proved_at(hanging, spec, gate + 36) == gate + 35, "no longer than a probe may take"


def test_who_begins_to_ask_takes_nothing_for_late_that_answers() -> None:
    spec = desired(Sketch("web", check=False, words=(("route", {"port": 8080}),))).services["web"].form.spec
    assert failure(replace(UP, probe=Probe(1, 9000.0)), spec, 9000.1) is None
    said = failure(replace(UP, probe=Probe(failures=1, said="status 500")), spec, 9000.1)
    assert said == "it was not ready within 120 s: status 500"

"""What is told of a generation that failed, an hour later and in another process."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cli_world import SECRET_SERVICE, SPECS, CliWorld
from lone_instances import lone_instance
from providers.memory import Behaviour
from reconciler.cli.apply import report_apply
from reconciler.cli.envelope import dump, envelope
from reconciler.cli.status import report_status
from reconciler.evidence import evidence_of, why_held
from reconciler.observed import Health, Instance, Phase
from reconciler.ownership import Role
from reconciler.render_apply import render_evidence
from sketches import Sketch, desired
from specs.rollout_times import HealthTimes

SPEC = desired(Sketch("web", deadline=60.0)).services["web"].form.spec
JOB = desired(Sketch("web", check=False, restart="no")).services["web"].form.spec
HELD = lone_instance(role=Role.HELD, phase=Phase.EXITED, finished_at=1030.0, exit_code=143, exits=1)
CHECK = HealthTimes(1.0, 1.0, 3)


def held(**changes: object) -> Instance:
    return replace(HELD, **changes)  # type: ignore[arg-type] # fields of Instance by the rows below


@pytest.mark.parametrize(
    ("instance", "words"),
    [
        (held(), None),
        (held(phase=Phase.CREATED, error="no such file", exit_code=127), "it cannot be started"),
        (held(exit_code=127), "its command cannot be run (exit code 127)"),
        (held(exits=4, exit_code=3), "it exited 3 times; the last exit code was 3"),
        (held(exits=4), "it exited 3 times"),
        (
            held(exits=4, exit_code=137, out_of_memory=True),
            "it was killed for using more memory than its limit",
        ),
        (held(health=Health.UNHEALTHY, failing=3, check=CHECK), "its health check failed"),
        (held(health=Health.UNHEALTHY, failing=1, check=CHECK), None),
        (held(finished_at=1061.0), "it was not ready within 60 s"),
    ],
)
def test_why_it_failed_is_read_from_what_is_left(instance: Instance, words: str | None) -> None:
    assert why_held(instance, SPEC) == words


def test_a_job_failed_by_its_exit_code() -> None:
    assert why_held(held(exit_code=4), JOB) == "the last exit code was 4"


def test_the_exit_code_of_our_own_stop_is_none_of_its_own() -> None:
    assert evidence_of(held(), SPEC).exit_code is None
    killed = evidence_of(held(exit_code=137, out_of_memory=True), SPEC)
    assert render_evidence(killed) == ["    web_1: exit code 137, killed for memory"]


def test_what_it_wrote_is_bounded_and_its_check_is_told_where_that_failed() -> None:
    output = "\n".join(f"line {n}" for n in range(100))
    said = evidence_of(held(failing=1, last_health_output=output), SPEC).with_output(
        ["a", "b"] * 50, str.upper
    )
    assert len(said.health) == len(said.log) == 8
    assert (said.health[-1], said.log[-1]) == ("LINE 99", "B")
    assert evidence_of(held(last_health_output="all is well"), SPEC).health == ()


def test_a_failure_is_on_the_screen_without_its_secrets_and_in_json_without_its_output(
    shop: CliWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECONCILER_SECRET_SHOP__DEV__DB_PASSWORD", "hunter2hunter2")
    shop.repository.commit({"specs/shop.yaml": SPECS + SECRET_SERVICE.replace("1.36", "3")})
    shop.behave("busybox:3", Behaviour(exits_after=0.0, exit_code=3, log=("login as hunter2hunter2\x1b[2J",)))
    first = shop.run(report_apply, service="db", logs=True)
    assert (first.exit, first.members["result"]) == (5, "held")
    assert "| login as (masked)" in first.text
    assert ": exit code 3" in first.text
    assert "reconciler logs dev db" in first.text
    assert "reconciler retry dev db" in first.text
    outcomes = json.loads(dump(envelope("apply", first)))["outcomes"]
    assert any("login as" in line for row in outcomes for line in row["log_tail"]), (
        "told when it was held, too"
    )
    assert "hunter2" not in first.text + dump(envelope("apply", first))
    again = shop.run(report_apply, service="db")
    assert (again.exit, again.members["outcomes"]) == (5, []), "found held is failed, too"
    (row,) = again.members["held"]  # type: ignore[misc, union-attr] # one held service
    assert (row["exit_code"], row["out_of_memory"], row["log"]) == (3, False, [])  # type: ignore[index, call-overload]
    assert "login as" not in dump(envelope("apply", again))
    assert "times; the last exit code was 3" in str(row["reason"])  # type: ignore[index, call-overload]
    shown = shop.run(report_status, service="db").text
    assert "times; the last exit code was 3" in shown
    assert "login as" not in shown

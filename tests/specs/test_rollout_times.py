"""How long a rollout waits where its service does not say."""

from __future__ import annotations

from typing import Any

import pytest

from specs.rollout_times import (
    HealthTimes,
    deadline_of,
    health_times,
    monitor_of,
    progress_of,
    quickest_proof,
)
from specs.service import Service


def service(check: dict[str, Any] | None = None, **rollout: float) -> Service:
    words: dict[str, Any] = {"image": "web:1", "rollout": rollout}
    if check is not None:
        words["healthcheck"] = {"test": ["CMD", "/check"], **check}
    return Service.model_validate(words)


@pytest.mark.parametrize(
    ("check", "deadline", "monitor", "quickest"),
    [
        (None, 120.0, 10.0, 10.0),
        ({}, 120.0, 120.0, 90.0),
        ({"interval": 2.0, "timeout": 1.0}, 120.0, 10.0, 10.0),
        ({"interval": 10.0, "timeout": 5.0}, 120.0, 35.0, 30.0),
        ({"interval": 30.0, "retries": 5, "start_period": 60.0}, 240.0, 180.0, 150.0),
        ({"interval": 600.0, "retries": 10}, 6030.0, 600.0, 600.0),
        ({"interval": 5.0, "disable": True}, 120.0, 10.0, 10.0),
        ({"test": ["NONE"]}, 120.0, 10.0, 10.0),
    ],
)
def test_what_is_not_said_is_long_enough_to_see_health_fail(
    check: dict[str, Any] | None, deadline: float, monitor: float, quickest: float
) -> None:
    found = service(check)
    assert (deadline_of(found), monitor_of(found), quickest_proof(found)) == (deadline, monitor, quickest)


def test_what_is_said_counts() -> None:
    said = service({"interval": 30.0}, deadline=4.0, monitor=0.2, progress=9.0)
    assert (deadline_of(said), monitor_of(said), quickest_proof(said)) == (4.0, 0.2, 0.2)
    assert progress_of(said) == 9.0


def test_the_check_that_an_image_brings_counts_where_the_service_declares_none() -> None:
    assert health_times(service()) is None
    brought = HealthTimes(interval=20.0, timeout=3.0)
    assert monitor_of(service(), brought) == 63.0
    assert deadline_of(service(), HealthTimes(start_period=300.0)) == 420.0


def test_a_rollout_is_stuck_no_sooner_than_any_of_its_timers_allows() -> None:
    assert progress_of(service()) == 600.0
    assert progress_of(service({"interval": 600.0, "retries": 10})) == 2 * 6030.0


def test_times_that_are_not_said_are_not_in_what_is_remembered() -> None:
    """So an upgrade of ours, or a better derivation, recreates nothing."""
    assert "rollout" not in service().model_dump(mode="json", exclude_defaults=True)
    old = Service.model_validate({"image": "web:1", "rollout": {"deadline": 60.0}})
    assert old.model_dump(mode="json", exclude_defaults=True)["rollout"] == {"deadline": 60.0}

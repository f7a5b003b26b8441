"""Drift, or not yet deployed: read from the worlds of the plan cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from plan_case import read_case
from plan_look import look
from reconciler.assess import assess_drift
from reconciler.drift import ServiceDrift

FOLDER = Path(__file__).resolve().parents[1] / "plan_cases"


def assess(case_name: str, service_name: str = "web") -> ServiceDrift:
    case = read_case(FOLDER / f"{case_name}.yaml")
    found = {it.service_name: it for it in assess_drift(case.resolve(), look(case), case.now)}
    return found[service_name]


@pytest.mark.parametrize(
    ("case_name", "paths", "heal"),
    [
        ("limits-are-set-back", ["deploy.resources.limits.memory"], ("mend",)),
        ("stopped-is-started", ["state"], ("mend",)),
        ("renamed-gets-its-name-back", ["name"], ("mend",)),
        ("a-network-is-connected-again", ["networks.default"], ("mend",)),
        ("a-foreign-network-is-disconnected", ["networks.bridge"], ("mend",)),
        ("drift-beyond-mending-is-replaced", ["environment.LEVEL"], ("create", "remove")),
        ("drift-report-withholds-healing", ["deploy.resources.limits.memory"], ("mend",)),
    ],
)
def test_a_live_difference_is_drift(case_name: str, paths: list[str], heal: tuple[str, ...]) -> None:
    found = assess(case_name)
    assert (found.result, [d.path for d in found.diffs], found.heal) == ("drifted", paths, heal)
    assert found.pending == 0


@pytest.mark.parametrize(
    "case_name",
    [
        "row-1-image-is-built-first",
        "row-4-new-one-beside-the-old",
        "config-content-rolls-out",
        "secret-rotated",
        "network-options-members-move",
    ],
)
def test_what_a_commit_changed_is_pending_and_no_drift(case_name: str) -> None:
    found = assess(case_name)
    assert found.result == "clean"
    assert found.pending > 0
    assert {d.origin for d in found.diffs} == {"commit"}


@pytest.mark.parametrize(
    "case_name", ["row-11-settled", "same-bytes-restart-nobody", "secret-missing-touches-nobody"]
)
def test_what_settled_has_nothing_that_counts(case_name: str) -> None:
    assert assess(case_name).result == "clean"


def test_gone_and_added_instances_are_counted() -> None:
    assert assess("a-missing-instance-is-made").missing == 1
    assert len(assess("an-extra-instance-leaves").extra) == 1
    assert assess("scale-up").missing == 0
    assert assess("scale-down").extra == ()


def test_an_ignored_difference_is_named_with_its_reason() -> None:
    found = assess("ignored-drift-is-left-alone")
    assert (found.result, [(i.path, i.reason) for i in found.ignored]) == (
        "clean",
        [("environment.LEVEL", "debugging")],
    )


def test_what_cannot_be_read_cannot_be_told() -> None:
    assert assess("instances-unreadable").result == "cannot_tell"
    assert assess("a-service-unreadable").result == "cannot_tell"
    assert assess("a-service-unreadable", "cache").missing == 1


def test_what_left_git_is_pending() -> None:
    assert assess("prune-what-left-git", "a").pending == 1

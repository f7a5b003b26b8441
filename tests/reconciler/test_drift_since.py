"""Since when something differs, by whose event: only what the runtime itself tells is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from plan_case import read_case
from plan_look import look
from reconciler.assess import assess_drift
from reconciler.deeds import Deed
from reconciler.desired import Desired
from reconciler.drift import ServiceDrift
from reconciler.drift_since import dated
from reconciler.observed import Instance, Observed

FOLDER = Path(__file__).resolve().parents[1] / "plan_cases"
NOW = 1_000_000.0


def world(case_name: str) -> tuple[Desired, Observed]:
    case = read_case(FOLDER / f"{case_name}.yaml")
    return case.resolve(), look(case)


def web(observed: Observed) -> Instance:
    return next(i for i in observed.instances if i.service_name == "web")


def deed(instance: Instance, action: str, at: float, **facts: str) -> Deed:
    return Deed(at, action, instance.handle.id, instance.name, "web", tuple(facts.items()))


def told(case_name: str, *deeds: tuple[str, float], good_at: float | None = None) -> ServiceDrift:
    desired, observed = world(case_name)
    found = [deed(web(observed), action, at) for action, at in deeds]
    stranger = [replace(d, container="somebody else's") for d in found]
    drifts = assess_drift(desired, observed, observed.at)
    return next(
        d for d in dated(drifts, desired, observed, [*stranger, *found], good_at) if d.service_name == "web"
    )


@pytest.mark.parametrize(
    ("case_name", "action", "other"),
    [
        ("limits-are-set-back", "container update", "container rename"),
        ("a-network-is-connected-again", "network disconnect", "network connect"),
        ("a-foreign-network-is-disconnected", "network connect", "network disconnect"),
        ("renamed-gets-its-name-back", "container rename", "container update"),
    ],
)
def test_an_event_that_can_have_made_it_dates_it_and_no_other(
    case_name: str, action: str, other: str
) -> None:
    assert told(case_name).since is None, "nobody knows"
    assert told(case_name, (other, NOW - 9)).since is None
    found = told(case_name, (other, NOW - 9), (action, NOW - 5))
    assert (found.since, [d.action for d in found.seen]) == (NOW - 5, [action])


def test_the_first_since_all_was_right_or_the_last_where_that_is_not_known() -> None:
    deeds = [("container update", NOW - age) for age in (300, 200, 100)]
    assert told("limits-are-set-back", *deeds).since == NOW - 100
    assert told("limits-are-set-back", *deeds, good_at=NOW - 250).since == NOW - 200
    assert told("limits-are-set-back", *deeds, good_at=NOW - 50).since is None


def test_what_no_engine_changes_in_place_differs_since_the_container_was_made() -> None:
    _, observed = world("drift-beyond-mending-is-replaced")
    found = told("drift-beyond-mending-is-replaced", ("container update", NOW - 5))
    assert found.since == web(observed).created_at
    assert found.seen == ()


def test_a_stop_is_dated_by_the_container_and_told_with_what_was_executed_before() -> None:
    desired, observed = world("stopped-is-started")
    ended = NOW - 60
    stopped = replace(web(observed), finished_at=ended, started_at=ended - 300)
    deeds = [
        deed(stopped, "container exec", ended - 1, program="kill"),
        deed(stopped, "container exec", ended - 1, program="/check"),
        deed(stopped, "container kill", ended, signal="15"),
        deed(stopped, "container exec", ended - 3600, program="sh"),
    ]
    check = replace(stopped, live_fields={**stopped.live_fields, "healthcheck.test": ["CMD", "/check"]})
    observed = replace(observed, instances=(check,))
    drifts = assess_drift(desired, observed, observed.at)
    (found,) = (d for d in dated(drifts, desired, observed, deeds) if d.service_name == "web")
    assert found.since == ended
    assert [(d.action, d.facts) for d in found.seen] == [
        ("container exec", (("program", "kill"),)),
        ("container kill", (("signal", "15"),)),
    ]


def test_one_that_is_gone_is_dated_by_its_removal_but_not_by_that_of_a_kept_one() -> None:
    desired, observed = world("a-missing-instance-is-made")
    drifts = assess_drift(desired, observed, observed.at)
    name = "shop_dev_web_12345678_2"
    gone = Deed(NOW - 7, "container destroy", "gone", name, "web")
    kept = replace(gone, at=NOW - 3, name=f"{name}_kept")
    other = replace(gone, at=NOW - 1, service_name="api")
    found = {d.service_name: d for d in dated(drifts, desired, observed, [gone, kept, other])}
    assert (found["web"].since, found["web"].seen) == (NOW - 7, (gone,))

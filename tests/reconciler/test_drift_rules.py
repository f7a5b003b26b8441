"""Drift rules: what they leave alone stays as it is, until they end; a commit's work is never theirs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from plan_case import read_case
from plan_look import look
from reconciler.actions import MendInstance
from reconciler.changes import SetLimits
from reconciler.desired import Desired
from reconciler.difference import Diff
from reconciler.drift_rules import ended_rules, sift
from reconciler.plan import plan
from specs.service import DriftRules, Ignored

FOLDER = Path(__file__).resolve().parents[1] / "plan_cases"
LABEL = "labels.team"
DAY = 1_798_675_200.0
"""2026-12-31T00:00:00Z."""


def ruled(*rules: Ignored) -> Desired:
    desired = read_case(FOLDER / "limits-are-set-back.yaml").resolve()
    service = desired.services["web"]
    spec = service.form.spec.model_copy(update={"drift": DriftRules(ignore=rules)})
    return replace(desired, services={"web": replace(service, form=replace(service.form, spec=spec))})


def test_a_limit_that_is_left_alone_stays_when_all_limits_are_set() -> None:
    case = read_case(FOLDER / "ignored-limit-stays-when-another-is-set-back.yaml")
    (action,) = plan(case.resolve(), look(case), case.now).actions
    assert isinstance(action, MendInstance)
    assert action.changes == (SetLimits(0.5, 1 << 20, None, None),), "the memory that somebody gave it"


@pytest.mark.parametrize(
    ("until", "at", "left"),
    [
        (None, DAY, True),
        ("2026-12-31", DAY + 86_399, True),
        ("2026-12-31", DAY + 86_400, False),
        ("2026-12-31T12:00:00Z", DAY + 43_199, True),
        ("2026-12-31T12:00:00Z", DAY + 43_200, False),
        ("2026-12-31T12:00:00+02:00", DAY + 36_000, False),
        ("some day", 0.0, False),
    ],
)
def test_a_rule_ends_with_its_day_or_at_its_time(until: str | None, at: float, left: bool) -> None:
    desired = ruled(Ignored(path="labels.*", reason="touched", until=until))
    live, commit = Diff(LABEL, "live", "a", "a", "b"), Diff(LABEL, "commit", "c", "a", "a")
    sifted = sift([live, commit], desired.services["web"], at)
    assert sifted.counted == ((commit,) if left else (live, commit)), "a commit is never held up"
    assert [diff for diff, _ in sifted.ignored] == ([live] if left else [])
    told = ended_rules(desired.services, at)
    assert [(p.code, p.severity, p.subject) for p in told] == (
        [] if left else [("PLAN060", "warning", "Service web")]
    )

"""Every case of tests/plan_cases: specs and a look at the world, and the plan that follows, as text.

``python tests/reconciler/test_plan_cases.py CASE...`` prints the text that the planner gives, to be read
and judged against the design; nothing writes it into a case.
"""

# ruff: noqa: E402 -- run as a script, it must first say where to import from

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "plan_cases"
CASES = sorted(FOLDER.glob("*.yaml"))
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from plan_case import Case, read_case
from plan_look import look
from plan_text import plan_text
from reconciler.decision import Plan
from reconciler.forecast import forecast
from reconciler.plan import plan
from reconciler.render_plan import render_plan, view_plan


def decided(case: Case) -> Plan:
    """What the planner decides."""
    return plan(case.resolve(), look(case), case.now)


by_case = pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)


@by_case
def test_plans_what_the_case_expects(path: Path) -> None:
    case = read_case(path)
    assert plan_text(case, decided(case)) == case.expect


@by_case
def test_the_order_of_what_is_seen_decides_nothing(path: Path) -> None:
    case = read_case(path)
    seen = look(case)
    turned = replace(
        seen,
        instances=seen.instances[::-1],
        networks=seen.networks[::-1],
        volumes=seen.volumes[::-1],
        markers=seen.markers[::-1],
    )
    one, other = plan(case.resolve(), seen, case.now), plan(case.resolve(), turned, case.now)
    assert Counter(map(repr, one.actions)) == Counter(map(repr, other.actions))
    assert set(one.waits) == set(other.waits)
    assert set(one.blocks) == set(other.blocks)


@by_case
def test_its_forecast_ends_and_reads(path: Path) -> None:
    case = read_case(path)
    desired, seen = case.resolve(), look(case)
    plans = forecast(desired, seen, case.now)
    assert len(plans) < 60
    view = view_plan(desired, seen, plans[0], plans)
    assert render_plan(view).startswith("shop/dev at ")


def test_there_are_cases() -> None:
    assert len(CASES) >= 40


def main() -> None:
    """Print the plan of each case that is named, or of all."""
    for name in sys.argv[1:] or [path.stem for path in CASES]:
        case = read_case(FOLDER / f"{Path(name).stem}.yaml")
        actual = plan_text(case, decided(case))
        word = "as expected" if actual == case.expect else "OTHER THAN EXPECTED"
        sys.stdout.write(f"# {Path(name).stem}: {case.about} [{word}]\n{actual}\n")


if __name__ == "__main__":
    main()

"""The exit code of drift: what is proved outranks what is not known; strictness counts what was skipped."""

from __future__ import annotations

import pytest

from reconciler.cli.drift import exit_code
from reconciler.difference import Diff, Verdict
from reconciler.drift import ServiceDrift
from reconciler.observed import Observed, Unreadable

CLEAN, DRIFTED, UNKNOWN = (
    ServiceDrift("a", "clean", pending=3),
    ServiceDrift("b", "drifted"),
    ServiceDrift("c", "cannot_tell"),
)
SKIPPED = ServiceDrift("d", "clean", (Diff("secrets.pw", "live", None, None, None, Verdict.NOT_COMPARED),))
WHOLE = Observed(at=1.0)
PARTLY = Observed(at=1.0, unreadable=(Unreadable("networks", "no answer", 1.0),))


@pytest.mark.parametrize(
    ("drifts", "observed", "lenient", "strict"),
    [
        ([], WHOLE, 0, 0),
        ([CLEAN], WHOLE, 0, 0),
        ([CLEAN, SKIPPED], WHOLE, 0, 3),
        ([CLEAN], PARTLY, 3, 3),
        ([CLEAN, UNKNOWN], WHOLE, 3, 3),
        ([DRIFTED], WHOLE, 2, 2),
        ([DRIFTED, UNKNOWN, SKIPPED], PARTLY, 2, 2),
    ],
)
def test_the_exit_code(drifts: list[ServiceDrift], observed: Observed, lenient: int, strict: int) -> None:
    assert exit_code(drifts, observed, False) == lenient
    assert exit_code(drifts, observed, True) == strict

"""What the exit code of a plan says."""

from __future__ import annotations

from reconciler.cli.exits import CANNOT_TELL, PENDING, REFUSED, worst
from reconciler.decision import Ender, Plan
from reconciler.observed import Observed


def exit_code(decided: Plan, observed: Observed, is_asked: bool) -> int:
    """3 for what could not be read; with ``--exit-code`` 2 for what is pending and 4 for a guard."""
    codes = [CANNOT_TELL] if observed.unreadable else []
    if is_asked:
        pending = decided.actions or any(w.ender is not Ender.OUTSIDE for w in decided.waits)
        codes += [PENDING] if pending or any(block.held for block in decided.blocks) else []
        codes += [REFUSED] if any(not block.held for block in decided.blocks) else []
    return worst(codes)

"""Drift that is reported and not healed: told when it appears, and when it is gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.decision import Plan
from reconciler.desired import Subject
from reconciler.ownership import Owner
from reconciler.reported_drift import reported


@dataclass(slots=True)
class DriftNews:
    """What was told of each environment."""

    told: dict[Owner, Mapping[Subject, str]] = field(default_factory=dict)

    def changed(self, owner: Owner, plan: Plan) -> tuple[list[str], bool]:
        """Lines about what drifts now and was not told; and whether all that was told is over."""
        before, now = self.told.get(owner, {}), reported(plan)
        self.told[owner] = now
        new = [f"{s.instance or s.name}: {words}" for s, words in now.items() if before.get(s) != words]
        return sorted(new), bool(before) and not now

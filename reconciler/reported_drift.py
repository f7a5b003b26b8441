"""Drift that an environment with ``drift: report`` tells and does not heal. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from reconciler.actions import Action
from reconciler.decision import Ender, Plan
from reconciler.desired import Subject
from reconciler.steps import Steps

DRIFTED = "healed"
"""What a Wait expects that stands for a heal which is withheld."""
_SHOWN = 4


def leave_drifted(steps: Steps, actions: list[Action]) -> list[Action]:
    """The actions that heal nothing; for each other one a Wait says what somebody changed. Every step of a
    rollout that is not proved comes of its commit, so that no rollout stands still for this."""
    if steps.desired.policy.heal:
        return actions
    for action in actions:
        if action.cause.type == "drift":
            refs = action.cause.refs
            words = ", ".join(refs[:_SHOWN]) + (
                f" and {len(refs) - _SHOWN} more" if len(refs) > _SHOWN else ""
            )
            reason = f"it drifted ({words}), and this environment reports drift"
            steps.wait(action.subject, reason, Ender.OUTSIDE, expects=DRIFTED)
    return [action for action in actions if action.cause.type != "drift"]


def reported(plan: Plan) -> Mapping[Subject, str]:
    """What drifted and is left so, by object."""
    return MappingProxyType({w.subject: w.reason for w in plan.waits if w.expects == DRIFTED})

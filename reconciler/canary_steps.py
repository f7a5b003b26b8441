"""The next step of a canary. Pure."""

from __future__ import annotations

from reconciler.actions import PutMarker
from reconciler.canary import STEP, Canary, Standing, write_standing
from reconciler.decision import Ender
from reconciler.desired import Subject
from reconciler.difference import Cause
from reconciler.readiness import proved_at
from reconciler.rollout_view import Rollout
from reconciler.steps import Steps

_PACE = 2.0
"""Seconds between two looks at a step that lasts until somebody ends it."""


def take_step(steps: Steps, rollout: Rollout, canary: Canary) -> None:
    """Its instances have their share of the requests: note since when, wait for the step's end, go on."""
    generation = rollout.target.generation
    if generation is None or canary.step is None:
        return
    standing = canary.standing
    if standing is None:
        _stand(steps, rollout, Standing(generation.g8, 0, steps.now), f"{canary.weight} % of the requests")
        return
    watched = max((proved_at(i, rollout.target.form.spec, steps.now) for i in rollout.current), default=0.0)
    ends_at, words = canary.ends_at, f"canary: {canary.weight} % of the requests"
    if ends_at is None:
        reason = f"{words}, {_until(steps, rollout, standing)}"
        steps.wait(rollout.subject, reason, Ender.OUTSIDE, look_at=steps.now + _PACE)
    elif steps.now < max(ends_at, watched):
        steps.wait(
            rollout.subject, words, Ender.TIME, max(ends_at, watched), "step", rollout.next_look(steps.now)
        )
    else:
        after = canary.steps[standing.index + 1] if standing.index + 1 < len(canary.steps) else None
        share = f"{after.weight} % of the requests" if after is not None else "all requests"
        _stand(steps, rollout, Standing(generation.g8, standing.index + 1, steps.now), share)


def _until(steps: Steps, rollout: Rollout, standing: Standing) -> str:
    line = f"reconciler rollout {steps.desired.owner.environment} {rollout.target.service.name}"
    if standing.state != "paused":
        return f"until `{line} --next`"
    by = f" by {standing.by}" if standing.by else ""
    return f"paused{by} until `{line} --resume`"


def _stand(steps: Steps, rollout: Rollout, standing: Standing, share: str) -> None:
    name = rollout.target.service.name
    marker = steps.views.markers.get((STEP, name))
    sequence = marker.sequence + 1 if marker is not None else 1
    cause = Cause("commit", (f"canary: {share}",))
    subject = Subject("Marker", name, STEP)
    steps.act(PutMarker(subject, cause, STEP, name, sequence, write_standing(standing)))

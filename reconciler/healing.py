"""What a heal would do to what drifted, to its end, and why it is not done where it is not. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.actions import (
    Action,
    CreateInstance,
    RemoveInstance,
    RetireInstance,
    ReviveInstance,
)
from reconciler.desired import Desired
from reconciler.forecast import forecast
from reconciler.observed import Observed
from reconciler.plan import plan
from reconciler.render_action import describe, interruption, verb_of
from reconciler.view import SUSPEND

_KINDS = ("Service", "Proxy", "Route")


@dataclass(frozen=True, slots=True)
class Healing:
    """What would set one service right: the verbs, sorted; the steps in words, in order; for how long it is
    interrupted at most, in seconds; and why nothing of it is done now, where that is so."""

    verbs: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    interrupts: float | None = None
    withheld: str | None = None


NO_HEALING = Healing()


def heal(desired: Desired, observed: Observed, now: float) -> Mapping[str, Healing]:
    """By service, what heals its drift if nothing keeps it back: neither ``drift: report``, nor a suspension,
    nor an environment that waits for ``apply``. Steps that a commit brings are not among them."""
    free = replace(desired, policy=replace(desired.policy, heal=True, waits_for_apply=False))
    world = replace(observed, markers=tuple(m for m in observed.markers if m.kind != SUSPEND), attempts={})
    found: dict[str, list[Action]] = {}
    for decided in forecast(free, world, now):
        for action in decided.actions:
            if action.cause.type == "drift" and action.subject.kind in _KINDS:
                found.setdefault(action.subject.name, []).append(action)
    kept_back = _kept_back(desired, observed, now, frozenset(found))
    return {name: _healing(actions, kept_back.get(name)) for name, actions in found.items()}


def _kept_back(desired: Desired, observed: Observed, now: float, names: frozenset[str]) -> Mapping[str, str]:
    """Of services for which nothing is done now: why."""
    decided = plan(desired, observed, now)
    begun = {a.subject.name for a in decided.actions if a.cause.type == "drift" and a.subject.kind in _KINDS}
    reasons: dict[str, str] = {}
    said = [(block.subject, block.reason) for block in decided.blocks]
    said += [(wait.subject, wait.reason) for wait in decided.waits]
    for subject, reason in said:
        about = names if subject.kind == "Environment" else {subject.name} & names
        for name in about - begun:
            reasons.setdefault(name, reason)
    return reasons


def _healing(actions: Sequence[Action], withheld: str | None) -> Healing:
    longest = [seconds for action in actions if (seconds := interruption(action)) is not None]
    return Healing(
        tuple(sorted({verb_of(action) for action in actions})),
        tuple(_steps(actions)),
        max(longest, default=None),
        withheld,
    )


def _steps(actions: Sequence[Action]) -> list[str]:
    """An instance that leaves for another one is replaced: said once, by the name of the one that lives."""
    coming, leaving = (CreateInstance, ReviveInstance), (RetireInstance, RemoveInstance)
    made = [a for a in actions if isinstance(a, coming)]
    left = [a for a in actions if isinstance(a, leaving)]
    gone = list(dict.fromkeys(action.subject.instance or action.subject.name for action in left))
    words = [f"{'replace' if number < len(made) else 'remove'} {name}" for number, name in enumerate(gone)]
    words += [describe(action) for action in made[len(gone) :]]
    others = [describe(a) for a in actions if not isinstance(a, (*coming, *leaving))]
    return list(dict.fromkeys([*others, *words]))

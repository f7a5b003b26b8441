"""What must not be acted on at all: guards over a whole environment (design, section 9). Pure."""

from __future__ import annotations

from reconciler.accepted import SOURCE, engine_confirmation, is_other_engine, read_accepted
from reconciler.actions import Action, CreateInstance
from reconciler.decision import Ender
from reconciler.desired import Kinship, Subject
from reconciler.hands_off import leave_suspended, leave_unapplied
from reconciler.ourselves import leave_ourselves
from reconciler.ownership import Role
from reconciler.reported_drift import leave_drifted
from reconciler.source import is_same_source
from reconciler.steps import Steps
from reconciler.takeover import ADOPT, accepted_source, read_take_over
from reconciler.target import is_aged


def guard_environment(steps: Steps) -> None:
    """Block what the whole environment must be blocked for."""
    _guard_lineage(steps)
    _guard_source(steps)
    _guard_engine(steps)


def environment(steps: Steps) -> Subject:
    """The environment as a subject."""
    return Subject("Environment", steps.desired.owner.environment)


def _guard_lineage(steps: Steps) -> None:
    """An older commit must not undo a newer one by accident: of two at work the older yields."""
    accepted = read_accepted(steps.views.markers.get((SOURCE, "")))
    went_back = accepted is not None and accepted.by_hand and accepted.commit == steps.desired.commit
    if steps.desired.policy.backwards or went_back:
        return
    live = {i.commit for i in steps.observed.instances if i.role is Role.LIVE}
    newer = sorted(c for c in live if steps.desired.lineage.get(c) is Kinship.DESCENDANT)
    if newer:
        steps.block(
            environment(steps),
            "PLAN031",
            f"what runs is of commit {newer[0][:12]}, which comes after {steps.desired.commit[:12]}",
            "use the newer commit, or say --backwards",
        )


def _guard_source(steps: Steps) -> None:
    """One owner from two sources: two repositories must not take turns in one environment. Marker ``source``
    says that it was handed over: then the new source alone may act, whatever made what runs."""
    wanted = steps.desired.policy.source
    accepted = accepted_source(steps.views)
    if wanted and accepted is not None:
        if not is_same_source(accepted, wanted):
            _block_source(steps, f"this environment was handed over to another source: {accepted}")
        return
    others = {i.source for i in steps.observed.instances if not is_same_source(i.source, wanted)}
    if wanted and others:
        _block_source(steps, f"what runs came from another source: {min(others)}")


def _guard_engine(steps: Steps) -> None:
    """How an engine is reached may be replaced, never which it is: another one that holds nothing of ours
    would get everything a second time, without its data."""
    known, seen = steps.desired.policy.engine, steps.observed.engine
    accepted = read_accepted(steps.views.markers.get((SOURCE, "")))
    if is_other_engine(known, seen, accepted, steps.observed.instances):
        name = steps.desired.owner.environment
        identity = engine_confirmation(steps.desired.owner, seen)
        steps.block(
            environment(steps),
            "PLAN034",
            f"engine {seen} answers, which holds nothing of it; it was on engine {known}",
            f"correct the endpoint; or, to move here: reconciler adopt {name} --confirm={identity}",
        )


def _block_source(steps: Steps, reason: str) -> None:
    environment_name = steps.desired.owner.environment
    steps.block(
        environment(steps),
        "PLAN032",
        reason,
        f"use that repository, another project name, or move here: reconciler adopt {environment_name}",
    )


def tell_take_over(steps: Steps, subject: Subject) -> None:
    """A take-over that was begun and not ended: what made room waits, stopped, until the command goes on."""
    begun = read_take_over(steps.views.markers.get((ADOPT, subject.name)))
    if begun is not None and steps.desired.policy.take_over == "no":
        command = f"reconciler adopt {steps.desired.owner.environment} {subject.name} {begun.name}"
        steps.wait(subject, f"taking over from {begun.name} has not ended: {command}", Ender.OUTSIDE)


def allowed(steps: Steps, actions: list[Action]) -> list[Action]:
    """The actions that the guards let through; for each other one a Wait or Block says why."""
    actions = leave_unapplied(steps, leave_suspended(steps, actions))
    if any(block.subject.kind == "Environment" for block in steps.blocks):
        actions = [a for a in actions if a.cause.type == "drift"]
    actions = leave_drifted(steps, actions)
    if steps.observed.cannot_read("markers"):
        actions = _without_markers(steps, actions)
    return leave_ourselves(steps, actions)


def _without_markers(steps: Steps, actions: list[Action]) -> list[Action]:
    """Without markers nobody knows what was proved, suspended or held: only instances that are missing from
    a set that is there may be made, and none that could be a second writer on data."""
    kept: list[Action] = [a for a in actions if isinstance(a, CreateInstance) and _is_safe_blind(steps, a)]
    for action in actions:
        if action not in kept:
            reason = "the markers cannot be read, so it is not known what is allowed"
            steps.wait(action.subject, reason, Ender.OUTSIDE)
    return kept


def _is_safe_blind(steps: Steps, action: CreateInstance) -> bool:
    mounts, service_name = action.blueprint.form.mounts, action.blueprint.service_name
    service = steps.desired.services.get(service_name)
    # Only age says here that a generation was proved: an unproved one must not be spread blindly.
    siblings = [
        i
        for i in steps.views.of(service_name).live
        if i.generation == action.blueprint.generation and service and is_aged(i, service, steps.now)
    ]
    return bool(siblings) and not any(m.type in ("volume", "bind") and not m.read_only for m in mounts)

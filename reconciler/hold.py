"""A generation that failed: its newest instance stays stopped, and is the memory that it is held. Pure."""

from __future__ import annotations

from reconciler.actions import RetireInstance
from reconciler.canary import STEP, read_standing
from reconciler.desired import Subject
from reconciler.difference import Cause
from reconciler.evidence import why_held
from reconciler.observed import Instance
from reconciler.ownership import Role
from reconciler.readiness import failure, grace, start_error
from reconciler.rollout_view import take_away
from reconciler.sorting import Sorting
from reconciler.steps import Steps
from reconciler.target import Target
from reconciler.view import ServiceView


def block_held(steps: Steps, desired: Target, holding: Instance, target: Target | None) -> None:
    name, env = desired.service.name, steps.desired.owner.environment
    back = (
        f"; {target.generation.g8 if target.generation else 'the last proved generation'} serves"
        if target
        else ""
    )
    reason = _abort(steps, desired, holding) or why_held(holding, desired.form.spec)
    why = f" ({reason})" if reason else ""
    steps.block(
        Subject("Service", name),
        "PLAN021",
        f"the new generation failed{why} and is held as {holding.name}{back}",
        f"read `reconciler logs {env} {name}`, commit a fix, or try it again: reconciler retry {env} {name}",
        held=True,
    )


def clear_failed(steps: Steps, desired: Target, view: ServiceView) -> None:
    """Held, and nothing to go back to: failing instances of the held generation go, the rest is left."""
    for instance in view.live:
        failed = failure(instance, desired.form.spec, steps.now)
        if desired.is_generation_of(instance) and failed:
            take_away(steps, desired, instance, Cause("commit", (failed,)))


def end_retried_holds(steps: Steps, desired: Target, view: ServiceView, holding: Instance | None) -> None:
    """A retry was asked for: the held instance goes, and with it the memory of the failure."""
    if holding is None:
        for instance in view.held:
            if desired.is_generation_of(instance):
                take_away(steps, desired, instance, Cause("retry", ("a retry was asked for",)))


def hold_failed(steps: Steps, target: Target, view: ServiceView, sorting: Sorting) -> bool:
    """Take failed instances of an unproved generation away; the newest stays stopped: its logs can be
    read, and it *is* the memory that the generation is held."""
    failed = [(i, words) for i in sorting.current if (words := _failure(steps, target, view, i))]
    if not failed:
        return False
    *others, (last, words) = failed
    cause = Cause("commit", (f"instance {last.number} failed: {words}",))
    subject = Subject("Service", target.service.name, last.name)
    name = f"{last.name}_{Role.HELD.value}"
    steps.act(RetireInstance(subject, cause, last.handle, name, grace(target.form.spec)))
    for instance, reason in others:
        take_away(steps, target, instance, Cause("commit", (reason,)))
    return True


def _failure(steps: Steps, target: Target, view: ServiceView, instance: Instance) -> str | None:
    failed = failure(instance, target.form.spec, steps.now) or _abort(steps, target, instance)
    if failed is None and target.service.order == "stop-first" and view.kept:
        failed = start_error(instance)
    return failed


def _abort(steps: Steps, target: Target, instance: Instance) -> str | None:
    """Somebody ended its canary. What was made since then is another try."""
    standing = read_standing(steps.views.markers.get((STEP, target.service.name)))
    if standing is None or standing.state != "aborted" or target.generation is None:
        return None
    if instance.created_at > standing.since:
        return None
    by = f" by {standing.by}" if standing.by else ""
    return f"its canary was aborted{by}" if standing.generation == target.generation.g8 else None

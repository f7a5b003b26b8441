"""What one service needs now: its target, its failures, its drift, and then the next step. Pure."""

from __future__ import annotations

from dataclasses import replace

from reconciler import hooks, jobs
from reconciler.actions import RetireInstance
from reconciler.canary import STEP, Canary, find_canary
from reconciler.decision import Ender
from reconciler.dependencies import are_met
from reconciler.desired import DesiredService, Subject
from reconciler.difference import Cause
from reconciler.drift import commit_diffs
from reconciler.hold import block_held, clear_failed, end_retried_holds, hold_failed
from reconciler.hook_tending import tend
from reconciler.mend import mend
from reconciler.observed import Instance, Phase
from reconciler.pin_claim import GATE, holding_gates
from reconciler.proxy_reach import is_routed, place
from reconciler.proxying import is_reachable
from reconciler.readiness import grace, runs, serves, start_error
from reconciler.render_gates import describe_gate
from reconciler.rollout import advance, create_missing
from reconciler.rollout_view import Rollout, take_away
from reconciler.sorting import Sorting, sort_live
from reconciler.steps import Steps
from reconciler.supply import is_supplied
from reconciler.switching import Traveller, lead
from reconciler.target import (
    ReadForm,
    Target,
    desired_target,
    holding_instance,
    is_aged,
    proved_release,
    rollback_target,
)
from reconciler.view import ServiceView


def plan_service(steps: Steps, service: DesiredService, read_form: ReadForm) -> None:
    """Plan the next steps of one service, then the way of its requests."""
    begin = len(steps.actions)
    traveller = _plan_instances(steps, service, read_form)
    if traveller is not None and steps.desired.proxy is not None and service.form.spec.route is not None:
        lead(steps, traveller, begin)


def _plan_instances(steps: Steps, service: DesiredService, read_form: ReadForm) -> Traveller | None:
    view = place(steps, service.name, steps.views.of(service.name))
    desired = desired_target(service, view, steps.observed, steps.desired.commit)
    tending = tend(steps, desired, view)
    holding = holding_instance(desired, view)
    target: Target | None = desired
    if holding is not None:
        target = rollback_target(desired, view, read_form, steps.now)
        block_held(steps, desired, holding, target)
    if target is None:
        clear_failed(steps, desired, view)
        return Traveller(desired, view, view.live, Cause("commit", ("nothing else is there",)), False)
    if not view.busy:
        _stop_retired(steps, target, view)
    proved = _is_proved(target, view, steps.now)
    sorting = sort_live(steps, target, view)
    _clear_leftovers(steps, target, sorting)
    end_retried_holds(steps, desired, view, holding)
    rollout = _rollout(steps, target, view, sorting, proved)
    traveller = Traveller(target, view, rollout.current, rollout.cause, proved, rollout.canary)
    if not proved and not target.is_rollback and hold_failed(steps, target, view, sorting):
        return traveller
    for instance in sorting.current:
        mend(steps, target, instance, sorting, proved)
    if target.form.spec.is_job:
        _plan_job(steps, target, view, sorting)
        return None
    may_begin = _may_begin(steps, target, view, sorting) and hooks.may_begin(steps, rollout, tending)
    begun = may_begin and advance(steps, rollout)
    hooks.follow_proof(steps, rollout, tending)
    if not begun and not sorting.current and not target.is_rollback:
        _heal_past(steps, desired, view, read_form)
    return traveller


def _is_proved(target: Target, view: ServiceView, now: float) -> bool:
    """Named by the marker, or live for longer than any rollout takes (the marker was lost)."""
    if target.is_rollback or proved_release(target, view) is not None:
        return True
    current = [i for i in view.live if target.is_generation_of(i)]
    if target.form.spec.rollout.strategy == "canary":
        # Its first instance may be older than any other rollout takes, and steps are left all the same.
        current = [] if any(serves(i) for i in view.live if i not in current) else current[-1:]
    return bool(current) and is_aged(current[0], target.service, now)


def _heal_past(steps: Steps, desired: Target, view: ServiceView, read_form: ReadForm) -> None:
    """The new generation cannot begin (its image is built, or refused; a dependency is not there): until it
    does, what was proved before is healed. Else a failing build would leave the service down."""
    past = rollback_target(desired, view, read_form, steps.now)
    if past is None or view.busy:
        return
    sorting = sort_live(steps, past, view)
    for instance in sorting.current:
        mend(steps, past, instance, sorting, True)
    applied = next((r.replicas for r in view.releases if r.generation == past.generation), len(view.live))
    replicas = min(applied, desired.service.replicas)
    if len(view.live) < replicas and is_supplied(steps, past):
        gone = Cause("drift", ("an instance is gone",))
        rollout = _rollout(steps, past, view, sorting, True)
        create_missing(steps, replace(rollout, old=(), replicas=replicas, cause=gone))


def _clear_leftovers(steps: Steps, target: Target, sorting: Sorting) -> None:
    """A container that was created and never started, bears no role and is not in flight was left by a
    crash: it goes and is made again. One whose start was refused for a reason outside the image, too."""
    for instance in [i for i in (*sorting.current, *sorting.old) if i.phase is Phase.CREATED]:
        if instance.error and start_error(instance) is None:
            continue  # an image fault: the failure of its generation, not a leftover
        if (
            start_error(instance)
            and target.service.order == "stop-first"
            and steps.views.of(target.service.name).kept
        ):
            continue  # under stop-first any failure holds: the kept one must serve again
        sorting.current = [i for i in sorting.current if i is not instance]
        sorting.old = [i for i in sorting.old if i is not instance]
        words = start_error(instance) or "it was created and never started"
        take_away(steps, target, instance, Cause("commit", (words,)))


def _stop_retired(steps: Steps, target: Target, view: ServiceView) -> None:
    """A crash between the rename and the stop leaves a retired instance running: it is stopped."""
    for instance in (*view.kept, *view.held):
        if runs(instance):
            subject = Subject("Service", target.service.name, instance.name)
            cause = Cause("commit", ("it was retired and runs still",))
            steps.act(RetireInstance(subject, cause, instance.handle, instance.name, grace(target.form.spec)))


def _may_begin(steps: Steps, target: Target, view: ServiceView, sorting: Sorting) -> bool:
    """Dependencies, and a proxy to ask it through, gate the first instance of a new generation only."""
    begun = target.is_rollback or target.service.is_rollback
    begun = begun or any(target.is_generation_of(i) for i in (*view.live, *view.kept))
    if begun or proved_release(target, view) is not None:
        return True
    return _is_granted(steps, target, view) and is_reachable(steps, target) and are_met(steps, target.service)


def _is_granted(steps: Steps, target: Target, view: ServiceView) -> bool:
    """A changed pin passes its gates before it is acted on: who can write a file has no leave by that. What
    was proved before goes on meanwhile, and is healed."""
    claim = target.service.claim
    held = () if claim is None else holding_gates(claim, view.releases, steps.now)
    for gate in held:
        subject = Subject("Service", target.service.name)
        steps.wait(subject, describe_gate(gate), Ender.OUTSIDE, gate.retry_at, GATE)
    return not held


def _rollout(steps: Steps, target: Target, view: ServiceView, sorting: Sorting, proved: bool) -> Rollout:
    replicas = target.service.replicas
    if target.is_rollback and target.service.form.spec.rollout.on_failure == "hold":
        # "hold" leaves everything as it is: what still runs of the proved generation is healed, no more.
        replicas = min(replicas, len(sorting.current))
    return Rollout(
        target=target,
        view=view,
        current=tuple(sorting.current),
        old=tuple(sorting.old),
        drifted=frozenset(sorting.drifted),
        proved=proved,
        replicas=replicas,
        order=target.service.order,
        cause=_cause(target, view, sorting) if proved else _unproved(_cause(target, view, sorting)),
        canary=None if proved or target.service.is_rollback else _canary(steps, target, sorting),
    )


def _canary(steps: Steps, target: Target, sorting: Sorting) -> Canary | None:
    """A canary needs something beside it that serves; without, its share would be all requests."""
    if target.generation is None or not any(serves(i) for i in sorting.old):
        return None
    marker = steps.views.markers.get((STEP, target.service.name))
    return find_canary(target.form.spec.rollout, marker, target.generation.g8)


def _unproved(cause: Cause) -> Cause:
    """Every step of an unproved rollout comes of its commit, whatever somebody did in the middle of it."""
    return replace(cause, type="commit") if cause.type == "drift" else cause


def _cause(target: Target, view: ServiceView, sorting: Sorting) -> Cause:
    if target.is_rollback:
        return Cause("release", ("the new generation is held: back to what was proved",))
    if sorting.drifted:
        diffs = next(sorting.diffs[i.handle.id] for i in sorting.old if i.handle.id in sorting.drifted)
        return Cause("drift", tuple(diff.path for diff in diffs), diffs)
    if sorting.old:
        return _commit_cause(sorting.old[-1], target)
    release = proved_release(target, view)
    if release is not None and len(sorting.current) < min(release.replicas, target.service.replicas):
        return Cause("drift", ("an instance is gone",))
    if release is not None:
        return Cause("commit", (f"deploy.replicas is {target.service.replicas}",))
    before = [i for i in view.kept if not target.is_generation_of(i)]
    if before:
        # Under stop-first nothing old is live any more when the new one is made: it is not new for that.
        return _commit_cause(before[-1], target)
    if sorting.current:
        return Cause("commit", (f"deploy.replicas is {target.service.replicas}",))
    return Cause("commit", ("it is new",))


def _commit_cause(instance: Instance, target: Target) -> Cause:
    """What differs; that a service is routed, or no more, is no field of its container."""
    diffs = commit_diffs(instance, target)
    words = tuple(diff.path for diff in diffs)
    if is_routed(instance) != (target.form.spec.route is not None):
        words = (*words, "route")
    return Cause("commit", words, diffs)


def _plan_job(steps: Steps, target: Target, view: ServiceView, sorting: Sorting) -> None:
    if view.busy:
        steps.wait(Subject("Service", target.service.name), "a step of it is in progress", Ender.US)
    elif jobs.record(steps, target, view):
        return
    elif jobs.is_done(target, view):
        jobs.tidy(steps, target, view)
    elif running := [i for i in view.live if runs(i)]:
        jobs.wait_for_end(steps, target, running[0])
    elif _may_begin(steps, target, view, sorting):
        advance(steps, _rollout(steps, target, view, sorting, proved=True))

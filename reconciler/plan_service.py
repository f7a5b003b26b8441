"""What one service needs now: its target, its failures, its drift, and then the next step. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler import jobs
from reconciler.actions import RemoveInstance, RetireInstance
from reconciler.decision import Ender
from reconciler.dependencies import are_met
from reconciler.desired import DesiredService, Subject
from reconciler.difference import Cause, Diff
from reconciler.drift import commit_diffs, is_mendable, live_diffs, without_ignored
from reconciler.mend import mend
from reconciler.observed import Instance, Phase
from reconciler.ownership import Role
from reconciler.readiness import failure, grace, runs, start_error
from reconciler.rollout import Rollout, advance
from reconciler.steps import Steps
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

_GONE = (Phase.REMOVING, Phase.DEAD)


@dataclass(slots=True)
class Sorting:
    """The live instances of a service, sorted by what is to become of them."""

    current: list[Instance] = field(default_factory=list)
    old: list[Instance] = field(default_factory=list)
    diffs: dict[str, tuple[Diff, ...]] = field(default_factory=dict)
    """By instance id, of instances of the target that drifted."""
    drifted: set[str] = field(default_factory=set)


def plan_service(steps: Steps, service: DesiredService, read_form: ReadForm, today: str) -> None:
    """Plan the next steps of one service."""
    view = steps.views.of(service.name)
    desired = desired_target(service, view, steps.observed, steps.desired.commit)
    holding = holding_instance(desired, view)
    target: Target | None = desired
    if holding is not None:
        target = rollback_target(desired, view, read_form, steps.now)
        _block_held(steps, desired, holding, target)
    if target is None:
        _clear_failed(steps, desired, view)
        return
    _stop_retired(steps, target, view)
    proved = _is_proved(target, view, steps.now)
    sorting = _sort(steps, target, view, today)
    _clear_leftovers(steps, target, sorting)
    _end_retried_holds(steps, desired, view, holding)
    if not proved and not target.is_rollback and _hold_failed(steps, target, view, sorting):
        return
    for instance in sorting.current:
        mend(steps, target, instance, sorting.diffs.get(instance.handle.id, ()))
    if target.form.spec.is_job:
        _plan_job(steps, target, view, sorting)
    elif _may_begin(steps, target, view, sorting):
        advance(steps, _rollout(steps, target, view, sorting, proved))


def _is_proved(target: Target, view: ServiceView, now: float) -> bool:
    """Named by the marker, or live for longer than any rollout takes (the marker was lost)."""
    if target.is_rollback or proved_release(target, view) is not None:
        return True
    current = [i for i in view.live if target.is_generation_of(i)]
    return bool(current) and is_aged(current[0], target.service, now)


def _sort(steps: Steps, target: Target, view: ServiceView, today: str) -> Sorting:
    sorting, traits = Sorting(), steps.observed.traits
    rules = target.service.form.spec.drift.ignore
    for instance in view.live:
        if instance.phase in _GONE:
            continue
        if not target.is_generation_of(instance):
            sorting.old.append(instance)
            continue
        diffs = live_diffs(instance, target)
        if diffs and rules:
            diffs = without_ignored(diffs, rules, today)
        if diffs:
            sorting.diffs[instance.handle.id] = diffs
        if all(is_mendable(diff, traits) for diff in diffs):
            sorting.current.append(instance)
        else:
            sorting.drifted.add(instance.handle.id)
            sorting.old.append(instance)
    return sorting


def _block_held(steps: Steps, desired: Target, holding: Instance, target: Target | None) -> None:
    name, env = desired.service.name, steps.desired.owner.environment
    back = (
        f"; {target.generation.g8 if target.generation else 'the last proved generation'} serves"
        if target
        else ""
    )
    steps.block(
        Subject("Service", name),
        "PLAN021",
        f"the new generation failed and is held as {holding.name}{back}",
        f"read `docker logs {holding.name}`, commit a fix, or try it again: reconciler retry {env} {name}",
        held=True,
    )


def _clear_failed(steps: Steps, desired: Target, view: ServiceView) -> None:
    """Held, and nothing to go back to: failing instances of the held generation go, the rest is left."""
    rollout = desired.form.spec.rollout
    for instance in view.live:
        failed = failure(instance, desired.service, rollout, steps.now)
        if desired.is_generation_of(instance) and failed:
            _remove(steps, desired, instance, Cause("commit", (failed,)))


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
        _remove(steps, target, instance, Cause("commit", (words,)))


def _stop_retired(steps: Steps, target: Target, view: ServiceView) -> None:
    """A crash between the rename and the stop leaves a retired instance running: it is stopped."""
    for instance in (*view.kept, *view.held):
        if runs(instance):
            subject = Subject("Service", target.service.name, instance.name)
            cause = Cause("commit", ("it was retired and runs still",))
            steps.act(RetireInstance(subject, cause, instance.handle, instance.name, grace(target.form.spec)))


def _end_retried_holds(steps: Steps, desired: Target, view: ServiceView, holding: Instance | None) -> None:
    """A retry was asked for: the held instance goes, and with it the memory of the failure."""
    if holding is None:
        for instance in view.held:
            if desired.is_generation_of(instance):
                _remove(steps, desired, instance, Cause("retry", ("a retry was asked for",)))


def _hold_failed(steps: Steps, target: Target, view: ServiceView, sorting: Sorting) -> bool:
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
        _remove(steps, target, instance, Cause("commit", (reason,)))
    return True


def _failure(steps: Steps, target: Target, view: ServiceView, instance: Instance) -> str | None:
    failed = failure(instance, target.service, target.form.spec.rollout, steps.now)
    if failed is None and target.service.order == "stop-first" and view.kept:
        failed = start_error(instance)
    return failed


def _may_begin(steps: Steps, target: Target, view: ServiceView, sorting: Sorting) -> bool:
    """Dependencies gate the first instance of a new generation only."""
    begun = target.is_rollback or any(target.is_generation_of(i) for i in (*view.live, *view.kept))
    return begun or proved_release(target, view) is not None or are_met(steps, target.service)


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
        cause=_cause(target, view, sorting),
    )


def _cause(target: Target, view: ServiceView, sorting: Sorting) -> Cause:
    if target.is_rollback:
        return Cause("release", ("the new generation is held: back to what was proved",))
    if sorting.drifted:
        diffs = next(sorting.diffs[i.handle.id] for i in sorting.old if i.handle.id in sorting.drifted)
        return Cause("drift", tuple(diff.path for diff in diffs), diffs)
    if sorting.old:
        diffs = commit_diffs(sorting.old[-1], target)
        return Cause("commit", tuple(diff.path for diff in diffs), diffs)
    release = proved_release(target, view)
    if release is not None and len(sorting.current) < min(release.replicas, target.service.replicas):
        return Cause("drift", ("an instance is gone",))
    if release is not None:
        return Cause("commit", (f"deploy.replicas is {target.service.replicas}",))
    before = [i for i in view.kept if not target.is_generation_of(i)]
    if before:
        # Under stop-first nothing old is live any more when the new one is made: it is not new for that.
        diffs = commit_diffs(before[-1], target)
        return Cause("commit", tuple(diff.path for diff in diffs), diffs)
    if sorting.current:
        return Cause("commit", (f"deploy.replicas is {target.service.replicas}",))
    return Cause("commit", ("it is new",))


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


def _remove(steps: Steps, target: Target, instance: Instance, cause: Cause) -> None:
    subject = Subject("Service", target.service.name, instance.name)
    steps.act(RemoveInstance(subject, cause, instance.handle, grace(target.form.spec)))

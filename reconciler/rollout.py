"""The next step of one service: whatever is observed, what now? A rollout survives any crash. Pure.

Create beside, gate, retire, keep, prove, remove (design, section 7). Each function plans one kind of step
and names the failure that its rule prevents.
"""

from __future__ import annotations

from reconciler.actions import (
    CreateInstance,
    RemoveInstance,
    RetireInstance,
    ReviveInstance,
)
from reconciler.blueprint import draw, free_numbers
from reconciler.decision import Ender
from reconciler.desired import Subject
from reconciler.difference import Cause
from reconciler.joins import is_joined_as_applied
from reconciler.observed import Instance
from reconciler.ownership import Role
from reconciler.proof import finish, watch
from reconciler.proxy_reach import is_revivable
from reconciler.readiness import grace, is_ready, longest_interruption, runs, serves
from reconciler.rollout_view import Rollout, await_gate
from reconciler.steps import Steps
from reconciler.supply import is_supplied
from reconciler.target import is_aged
from specs.proxy import PROXIES
from specs.rollout_times import deadline_of


def advance(steps: Steps, rollout: Rollout) -> bool:
    """Plan the next step. Order matters: nothing stops before what replaces it can be created. False when
    the target's instances cannot be made yet, so that nothing of this rollout has begun."""
    if rollout.view.busy:
        steps.wait(rollout.subject, "a step of it is in progress", Ender.US)
        return True
    if _remove_surplus(steps, rollout):
        return True
    if len(rollout.current) == rollout.replicas and not rollout.old:
        finish(steps, rollout)
        return True
    if rollout.spares_old and len(rollout.current) >= rollout.wanted and rollout.old:
        watch(steps, rollout)
        return True
    if rollout.replicas > 0 and not is_supplied(steps, rollout.target):
        return False
    _step(steps, rollout)
    return True


def _step(steps: Steps, rollout: Rollout) -> None:
    created = create_missing(steps, rollout)
    retired = _retire(steps, rollout)
    if not created and not retired:
        await_gate(steps, rollout)


def create_missing(steps: Steps, rollout: Rollout) -> bool:
    """Create, or start again, what is missing and there is room for; True when there was anything."""
    running_old = sum(runs(instance) for instance in rollout.old)
    missing = rollout.wanted - len(rollout.current)
    room = rollout.replicas - len(rollout.current) - running_old
    if rollout.order == "start-first" and rollout.old:
        # The surge is on top of what runs now: with fewer replicas wanted than are old, the first new
        # one would else wait for an old one to go, and the old one for a new one to be ready.
        room = max(room, -len(rollout.current)) + rollout.surge
    count = min(missing, room)
    if count <= 0:
        return False
    revived = _revive(steps, rollout, count)
    taken = [i.number for i in rollout.view.instances if i.number is not None]
    for number in free_numbers(taken, count - revived):
        blueprint = draw(steps, rollout.target, number)
        subject = Subject("Service", rollout.target.service.name, blueprint.name)
        written = _written_twice(rollout)
        steps.act(CreateInstance(subject, rollout.cause, blueprint, _gap(rollout), written))
    return True


def _written_twice(rollout: Rollout) -> tuple[str, ...]:
    """What start-first makes two generations write at once. It was written by a person, who is told."""
    if rollout.target.service.name in PROXIES or not any(runs(i) for i in rollout.old):
        return ()
    mounts = rollout.target.form.mounts
    return tuple(m.name or m.object_name for m in mounts if m.type in ("volume", "bind") and not m.read_only)


def _gap(rollout: Rollout) -> float | None:
    """What is left of an interruption that began when the old one was stopped for this. One that nobody
    stopped for a rollout, a failure say, is ended by the new one, and not part of any."""
    if rollout.proved or not rollout.view.kept or any(serves(i) for i in rollout.view.live):
        return None
    is_gap = longest_interruption(rollout.target.form.spec, rollout.order, rollout.floor) is not None
    return deadline_of(rollout.target.form.spec) if is_gap else None


def _revive(steps: Steps, rollout: Rollout, count: int) -> int:
    """A kept instance of the target is started again rather than made anew: going back is quick, and
    needs no registry."""
    kept = [i for i in rollout.view.kept if rollout.target.is_generation_of(i) and i.number is not None]
    kept = [i for i in kept if is_joined_as_applied(i) and is_revivable(i)]
    for instance in kept[-count:]:
        name = instance.name.removesuffix(f"_{Role.KEPT.value}")
        restart = rollout.target.form.spec.restart
        action = ReviveInstance(rollout.of(instance), rollout.cause, instance.handle, name, restart)
        steps.act(action)
    return len(kept[-count:])


def _retire(steps: Steps, rollout: Rollout) -> bool:
    """Stop what is old, as far as the floor allows: a deploy never takes away what still serves."""
    victims = _stopped(rollout)
    victims += [] if rollout.spares_old else _retirable(steps, rollout)
    service, floor = rollout.target.form.spec, rollout.floor
    interrupts = longest_interruption(service, rollout.order, floor)
    for instance in victims:
        _stop(steps, rollout, instance, interrupts if serves(instance) else None)
    return bool(victims)


def _stopped(rollout: Rollout) -> list[Instance]:
    return [instance for instance in rollout.old if not runs(instance)]


def _retirable(steps: Steps, rollout: Rollout) -> list[Instance]:
    spec, now = rollout.target.form.spec, steps.now
    ready = sum(is_ready(instance, spec, now) for instance in rollout.current)
    running = [instance for instance in rollout.old if runs(instance)]
    serving = [instance for instance in running if serves(instance)]
    useless = [instance for instance in running if not serves(instance)]
    # An unhealthy old instance may still answer: it goes when something is there in its place, or,
    # when the old must stop first, to make room.
    may_go = ready > 0 or rollout.replicas == 0 or rollout.order == "stop-first"
    spare = ready + len(serving) - rollout.floor
    if rollout.order == "start-first" and ready == 0 and rollout.replicas > 0:
        spare = 0
    return (useless if may_go else []) + serving[: max(0, spare)]


def _stop(steps: Steps, rollout: Rollout, instance: Instance, interrupts: float | None) -> None:
    subject, seconds = rollout.of(instance), grace(rollout.target.form.spec)
    if _worth_keeping(steps, rollout, instance):
        name = f"{instance.name}_{Role.KEPT.value}"
        steps.act(RetireInstance(subject, rollout.cause, instance.handle, name, seconds, interrupts))
    else:
        steps.act(RemoveInstance(subject, rollout.cause, instance.handle, seconds, interrupts=interrupts))


def _worth_keeping(steps: Steps, rollout: Rollout, instance: Instance) -> bool:
    """Only what was proved can be gone back to; an instance that drifted, or never started, is not that."""
    if instance.handle.id in rollout.drifted or instance.number is None or instance.started_at is None:
        return False
    named = any(r.generation == instance.generation for r in rollout.view.releases)
    return named or is_aged(instance, rollout.target.service, steps.now)


def _remove_surplus(steps: Steps, rollout: Rollout) -> bool:
    """One too many: not ready ones first, then the highest number."""
    spare = len(rollout.current) - rollout.replicas
    if spare <= 0:
        return False
    spec = rollout.target.form.spec
    by_worth = sorted(
        rollout.current, key=lambda i: (is_ready(i, spec, steps.now), -(i.number or 0), i.handle.id)
    )
    applied = rollout.view.releases[0].replicas if rollout.view.releases else None
    scaled = applied is not None and applied != rollout.replicas
    is_ours = scaled or not rollout.proved or rollout.target.is_rollback
    cause = Cause("commit", (f"deploy.replicas is {rollout.replicas}",)) if is_ours else _EXTRA
    for instance in by_worth[:spare]:
        steps.act(RemoveInstance(rollout.of(instance), cause, instance.handle, grace(spec)))
    return True


_EXTRA = Cause("drift", ("one instance too many",))

"""The next step of one service: whatever is observed, what now? A rollout survives any crash. Pure.

Create beside, gate, retire, keep, prove, remove (design, section 7). Each function plans one kind of step
and names the failure that its rule prevents.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.actions import CreateInstance, PutMarker, RemoveInstance, RetireInstance, ReviveInstance
from reconciler.blueprint import draw, free_numbers
from reconciler.decision import Ender
from reconciler.desired import Order, Subject
from reconciler.difference import Cause
from reconciler.observed import Health, Instance, Phase
from reconciler.ownership import Role
from reconciler.readiness import LAST_EXIT, grace, is_ready, longest_interruption, ready_at, runs, serves
from reconciler.release import KIND, Release, with_newest, write_releases
from reconciler.steps import Steps
from reconciler.supply import is_supplied
from reconciler.target import Target, is_aged, proved_release
from reconciler.view import ServiceView


@dataclass(frozen=True, slots=True)
class Rollout:
    """The live instances of a service, seen from its target. ``current`` are of the target's generation
    and as applied; ``old`` is everything else that is live."""

    target: Target
    view: ServiceView
    current: tuple[Instance, ...]
    old: tuple[Instance, ...]
    drifted: frozenset[str]
    """Ids of instances of the target that drifted beyond mending: they are in ``old``."""
    proved: bool
    replicas: int
    order: Order
    cause: Cause

    @property
    def subject(self) -> Subject:
        return Subject("Service", self.target.service.name)

    @property
    def floor(self) -> int:
        """How many healthy serving instances there must be at any moment."""
        return max(0, self.replicas - self.target.service.max_unavailable)

    def of(self, instance: Instance) -> Subject:
        """The subject of one of its instances."""
        return Subject("Service", self.target.service.name, instance.name)


def advance(steps: Steps, rollout: Rollout) -> None:
    """Plan the next step. Order matters: nothing stops before what replaces it can be created."""
    if rollout.view.busy:
        steps.wait(rollout.subject, "a step of it is in progress", Ender.US)
        return
    if _remove_surplus(steps, rollout):
        return
    if len(rollout.current) == rollout.replicas and not rollout.old:
        _finish(steps, rollout)
    elif rollout.replicas == 0 or is_supplied(steps, rollout.target):
        _step(steps, rollout)


def _step(steps: Steps, rollout: Rollout) -> None:
    created = _create(steps, rollout)
    retired = _retire(steps, rollout)
    if not created and not retired:
        _await_gate(steps, rollout)


def _create(steps: Steps, rollout: Rollout) -> bool:
    running_old = sum(runs(instance) for instance in rollout.old)
    missing = rollout.replicas - len(rollout.current)
    room = rollout.replicas - len(rollout.current) - running_old
    if rollout.order == "start-first" and rollout.old:
        # The surge is on top of what runs now: with fewer replicas wanted than are old, the first new
        # one would else wait for an old one to go, and the old one for a new one to be ready.
        room = max(room, -len(rollout.current)) + rollout.target.form.spec.rollout.max_surge
    count = min(missing, room)
    if count <= 0:
        return False
    revived = _revive(steps, rollout, count)
    taken = [i.number for i in rollout.view.instances if i.number is not None]
    for number in free_numbers(taken, count - revived):
        blueprint = draw(steps, rollout.target, number)
        subject = Subject("Service", rollout.target.service.name, blueprint.name)
        steps.act(CreateInstance(subject, rollout.cause, blueprint))
    return True


def _revive(steps: Steps, rollout: Rollout, count: int) -> int:
    """A kept instance of the target is started again rather than made anew: going back is quick, and
    needs no registry."""
    kept = [i for i in rollout.view.kept if rollout.target.is_generation_of(i) and i.number is not None]
    for instance in kept[-count:]:
        name = instance.name.removesuffix(f"_{Role.KEPT.value}")
        restart = rollout.target.form.spec.restart
        action = ReviveInstance(rollout.of(instance), rollout.cause, instance.handle, name, restart)
        steps.act(action)
    return len(kept[-count:])


def _retire(steps: Steps, rollout: Rollout) -> bool:
    """Stop what is old, as far as the floor allows: a deploy never takes away what still serves."""
    victims = _stopped(rollout) + _retirable(steps, rollout)
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
    cause = Cause("commit", (f"deploy.replicas is {rollout.replicas}",)) if scaled else _EXTRA
    for instance in by_worth[:spare]:
        steps.act(RemoveInstance(rollout.of(instance), cause, instance.handle, grace(spec)))
    return True


_EXTRA = Cause("drift", ("one instance too many",))


def _await_gate(steps: Steps, rollout: Rollout) -> None:
    spec = rollout.target.form.spec
    waiting = [i for i in rollout.current if not is_ready(i, spec, steps.now)]
    if not waiting:
        steps.wait(rollout.subject, "the floor allows no step", Ender.TIME, steps.now + 2, "ready")
        return
    for instance in waiting:
        at = ready_at(instance, spec)
        words = f"instance {instance.number} passes the gate ({instance.health.value})"
        steps.wait(rollout.subject, words, Ender.TIME, at if at else steps.now + 1, "ready")


def _finish(steps: Steps, rollout: Rollout) -> None:
    """All that should be there is there: prove it, then tidy."""
    spec = rollout.target.form.spec
    if rollout.replicas == 0:
        return
    if not rollout.proved:
        if any(not is_ready(i, spec, steps.now) for i in rollout.current):
            _await_gate(steps, rollout)
        else:
            _prove(steps, rollout)
        return
    _report_unready(steps, rollout)
    if _is_noted(rollout):
        _tidy(steps, rollout)
    else:
        _put_release(steps, rollout)


def _is_noted(rollout: Rollout) -> bool:
    """The newest release is this generation, with this many replicas. Generations are not compared digest by
    digest: where a secret has no value here they never agree, and the marker would be written for ever.
    While a generation is held, "hold" has fewer instances on purpose: that is not what was applied."""
    newest = rollout.view.releases[0] if rollout.view.releases else None
    if newest is None or newest is not proved_release(rollout.target, rollout.view):
        return False
    return rollout.target.is_rollback or newest.replicas == rollout.replicas


def _report_unready(steps: Steps, rollout: Rollout) -> None:
    """A proved generation is not rolled back for being unhealthy later: it is told, and left to its
    restart policy."""
    for instance in rollout.current:
        if instance.phase not in (Phase.RUNNING, Phase.RESTARTING):
            # Stopped or paused by hand: its mending is planned, or withheld with a Wait of its own. A second
            # Wait, on time, would keep a plan of drift: report from ever settling.
            continue
        restarting = instance.phase is Phase.RESTARTING
        if restarting and instance.exits < LAST_EXIT:
            steps.wait(rollout.subject, "it is started again", Ender.TIME, steps.now + 2, "ready")
        elif restarting or instance.health is Health.UNHEALTHY or _is_late(steps, rollout, instance):
            words = f"instance {instance.number} is {instance.health.value}, {instance.phase.value}"
            steps.wait(rollout.of(instance), f"unstable: {words}", Ender.OUTSIDE)
        elif not serves(instance):
            steps.wait(rollout.subject, "it becomes ready", Ender.TIME, steps.now + 2, "ready")


def _is_late(steps: Steps, rollout: Rollout, instance: Instance) -> bool:
    """Not ready after the deadline: of a proved generation that is told, and waited for no longer."""
    started = instance.started_at
    late = started is not None and steps.now - started > rollout.target.form.spec.rollout.deadline
    return late and not serves(instance)


def _prove(steps: Steps, rollout: Rollout) -> None:
    spec = rollout.target.form.spec
    since = max((ready_at(i, spec) or steps.now for i in rollout.current), default=steps.now)
    over = since + spec.rollout.monitor
    if steps.now < over:
        steps.wait(rollout.subject, "the monitor window ends", Ender.TIME, over, "proved")
    else:
        _put_release(steps, rollout)


def _put_release(steps: Steps, rollout: Rollout) -> None:
    target = rollout.target
    first = rollout.current[0]
    release = Release(
        generation=first.generation,
        input=first.input,
        image=first.image,
        commit=first.commit,
        pin=first.pin,
        replicas=rollout.replicas,
        spec=target.form.canonical,
        files=tuple(use.volume for use in target.form.files),
    )
    value = write_releases(with_newest(release, rollout.view.releases))
    if steps.observed.cannot_read("markers"):
        return
    subject = Subject("Marker", target.service.name, KIND)
    cause = Cause("release", (f"{target.service.name} proved itself",))
    sequence = rollout.view.release_sequence + 1
    steps.act(PutMarker(subject, cause, KIND, target.service.name, sequence, value))


def _tidy(steps: Steps, rollout: Rollout) -> None:
    """One instance of the generation before stays stopped, to go back to; nothing else does. A held one
    goes when another generation has settled."""
    target, spec = rollout.target, rollout.target.form.spec
    kept = [i for i in rollout.view.kept if not target.is_generation_of(i)]
    spared = {kept[-1].handle} if kept else set()
    # While a generation is held, its instance is the memory of that: it stays.
    held = () if target.is_rollback else rollout.view.held
    cause = Cause("release", ("a newer generation proved itself",))
    for instance in (*rollout.view.kept, *held):
        if instance.handle not in spared:
            steps.act(RemoveInstance(rollout.of(instance), cause, instance.handle, grace(spec)))

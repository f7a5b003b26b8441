"""What follows when all that should be there is there: prove it, remember it, tidy. Pure."""

from __future__ import annotations

from reconciler.actions import PutMarker, RemoveInstance
from reconciler.canary_steps import take_step
from reconciler.decision import Ender
from reconciler.desired import Subject
from reconciler.difference import Cause
from reconciler.entering import UNREADY
from reconciler.observed import Health, Instance, Phase
from reconciler.readiness import LAST_EXIT, exit_words, grace, is_ready, proved_at, serves
from reconciler.release import KIND, Release, with_newest, write_releases
from reconciler.rollout_view import Rollout, await_gate
from reconciler.steps import Steps
from reconciler.switching import is_led
from reconciler.target import proved_release
from specs.rollout_times import deadline_of, monitor_of


def finish(steps: Steps, rollout: Rollout) -> None:
    """All that should be there is there: prove it, then tidy."""
    if rollout.replicas == 0:
        _leave_one(steps, rollout)
        return
    if not rollout.proved:
        watch(steps, rollout)
        return
    _report_unready(steps, rollout)
    if _is_noted(rollout):
        _tidy(steps, rollout)
    else:
        _put_release(steps, rollout)


def watch(steps: Steps, rollout: Rollout) -> None:
    """What there is to be for now is there: through the gate, with requests, for as long as it is watched."""
    spec = rollout.target.form.spec
    if any(not is_ready(i, spec, steps.now) for i in rollout.current):
        await_gate(steps, rollout)
    elif not is_led(steps, rollout.target.service.name, rollout.current):
        steps.wait(rollout.subject, "requests reach the new instances", Ender.US)
    elif rollout.canary is not None:
        take_step(steps, rollout, rollout.canary)
    else:
        _prove(steps, rollout)


def _leave_one(steps: Steps, rollout: Rollout) -> None:
    """Nothing is to run, so nothing can prove itself; all but the newest that was kept would else lie there
    until something does."""
    for instance in rollout.view.kept[:-1]:
        cause = Cause("commit", ("deploy.replicas is 0",))
        grace_period = grace(rollout.target.form.spec)
        steps.act(RemoveInstance(rollout.of(instance), cause, instance.handle, grace_period))


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
            look_at = rollout.next_look(steps.now)
            steps.wait(rollout.subject, "it is started again", Ender.TIME, steps.now + 2, "ready", look_at)
        elif restarting or instance.health is Health.UNHEALTHY or _is_late(steps, rollout, instance):
            words = f"instance {instance.number} is {_words(instance)}"
            steps.wait(rollout.of(instance), f"unstable: {words}", Ender.OUTSIDE, expects=UNREADY)
        elif not serves(instance):
            look_at = rollout.next_look(steps.now)
            steps.wait(rollout.subject, "it becomes ready", Ender.TIME, steps.now + 2, "ready", look_at)


def _words(instance: Instance) -> str:
    if instance.phase is not Phase.RESTARTING:
        return f"{instance.health.value}, {instance.phase.value}"
    ended = f"; {exit_words(instance)}" if instance.exit_code is not None else ""
    return f"restarted again and again ({instance.exits} exits{ended})"


def _is_late(steps: Steps, rollout: Rollout, instance: Instance) -> bool:
    """Not ready after the deadline: of a proved generation that is told, and waited for no longer."""
    started = instance.started_at
    deadline = deadline_of(rollout.target.form.spec, instance.check)
    late = started is not None and steps.now - started > deadline
    return late and not serves(instance)


def _prove(steps: Steps, rollout: Rollout) -> None:
    spec = rollout.target.form.spec
    over = max((proved_at(i, spec, steps.now) for i in rollout.current), default=steps.now)
    led = (steps.observed.traffic.led.get(instance.handle.id) for instance in rollout.current)
    # What proves a version is how it does with requests, not how it did while it waited for them.
    over = max([over, *(since + monitor_of(spec) for since in led if since is not None)])
    if steps.now < over:
        look_at = rollout.next_look(steps.now)
        steps.wait(rollout.subject, "the monitor window ends", Ender.TIME, over, "proved", look_at)
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

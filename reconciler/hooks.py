"""Hooks around a rollout: ``pre_deploy`` gates the first instance of a new generation, ``post_deploy``
follows its proof. Pure.

A container and a note tell what became of a run (``hook_tending``). Each step is planned on what is seen of
them, so that a hook survives any crash, and what may have done its work is run again by itself only where
that does no harm.
"""

from __future__ import annotations

from dataclasses import replace

from reconciler.actions import RunHook
from reconciler.blueprint import draw, free_numbers
from reconciler.decision import Ender
from reconciler.desired import Subject
from reconciler.difference import Cause
from reconciler.hook_notes import Note, State, command_digest, with_note
from reconciler.hook_runs import LOST
from reconciler.hook_tending import Tending, put_notes, wait_for_end
from reconciler.ownership import InstanceName, Role
from reconciler.rollout_view import Rollout
from reconciler.steps import Steps
from reconciler.supply import is_supplied
from reconciler.target import Target, proved_release
from reconciler.view import ServiceView
from specs.hook import PostDeploy, PreDeploy

MOST_RUNS = 3
"""How often an idempotent hook is begun by itself when it is killed each time."""
FAILED = "hook"
"""What the Wait for a ``post_deploy`` that failed expects: a person."""


def may_begin(steps: Steps, rollout: Rollout, tending: Tending) -> bool:
    """Whether the first instance of a new generation may be made; else what it waits for is planned. What
    has begun, is only scaled or healed, or is gone back to, is held up by no hook."""
    target, view, hooks = rollout.target, rollout.view, rollout.target.form.spec.hooks
    if _is_rollback(target) or rollout.replicas == 0 or view.busy or _has_begun(target, view):
        return True
    if tending.running is not None:
        wait_for_end(steps, target.service.name, tending.running)
        return False
    if tending.is_noting or any(run.state == "created" for run in tending.runs):
        words = "how its hook ended is noted" if tending.is_noting else "what is left of its hook goes first"
        steps.wait(rollout.subject, words, Ender.US)
        return False
    if (hooks.pre_deploy is None and hooks.post_deploy is None) or not is_supplied(steps, target):
        return True
    if steps.observed.cannot_read("markers"):
        steps.wait(rollout.subject, "the markers cannot be read: nobody knows which hook ran", Ender.OUTSIDE)
        return False
    if hooks.pre_deploy is not None and not _is_passed(steps, rollout, tending, hooks.pre_deploy):
        return False
    return hooks.post_deploy is None or _is_due(steps, rollout, tending)


def _is_rollback(target: Target) -> bool:
    """By itself, or by a person: no hook runs on the way back."""
    return target.is_rollback or target.service.is_rollback


def _has_begun(target: Target, view: ServiceView) -> bool:
    begun = any(target.is_generation_of(i) for i in (*view.live, *view.kept))
    return begun or proved_release(target, view) is not None


def _is_passed(steps: Steps, rollout: Rollout, tending: Tending, hook: PreDeploy) -> bool:
    note, command = tending.find(Role.PRE_DEPLOY, rollout.target), _command(rollout.target, hook)
    if note is None and tending.did(Role.PRE_DEPLOY, rollout.target, command):
        return True
    if note is None or tending.is_retried(note) or note.command != command:
        _run(steps, rollout, tending, Role.PRE_DEPLOY, hook)
    elif note.state == "done":
        return True
    elif note.state == "failed":
        _hold(steps, rollout, "PLAN024", f"pre_deploy failed: {note.reason}", "commit a fix")
    elif hook.idempotent and note.runs < MOST_RUNS:
        _run(steps, rollout, tending, Role.PRE_DEPLOY, hook, note.runs)
    else:
        _hold(steps, rollout, "PLAN025", f"pre_deploy: {note.reason or LOST}", "see what it did")
    return False


def _hold(steps: Steps, rollout: Rollout, code: str, reason: str, first: str) -> None:
    name, env = rollout.target.service.name, steps.desired.owner.environment
    serves = "; what ran before serves on" if rollout.view.live else ""
    remedy = f"read `reconciler logs {env} {name}`, {first}, or run it again: reconciler retry {env} {name}"
    steps.block(rollout.subject, code, f"{reason}{serves}", remedy, held=True)


def _is_due(steps: Steps, rollout: Rollout, tending: Tending) -> bool:
    """Noted before the first instance: a hook that is written later follows no proof of long ago."""
    target = rollout.target
    if tending.find(Role.POST_DEPLOY, target) is not None:
        return True
    notes = with_note(_note(target, Role.POST_DEPLOY, "due"), tending.notes)
    put_notes(steps, rollout.view, target.service.name, notes, "its post_deploy is due once it is proved")
    return False


def follow_proof(steps: Steps, rollout: Rollout, tending: Tending) -> None:
    """``post_deploy`` of a generation that proved itself, where it is due."""
    target, hook = rollout.target, rollout.target.form.spec.hooks.post_deploy
    note = tending.find(Role.POST_DEPLOY, target)
    if hook is None or note is None or note.state == "done" or _is_rollback(target) or rollout.view.busy:
        return
    if tending.is_noting or proved_release(target, rollout.view) is None:
        return
    if tending.running is not None:
        wait_for_end(steps, target.service.name, tending.running)
    elif note.state == "due" or tending.is_retried(note) or note.command != _command(target, hook):
        _run(steps, rollout, tending, Role.POST_DEPLOY, hook)
    else:
        name, env = target.service.name, steps.desired.owner.environment
        words = f"post_deploy failed: {note.reason or LOST}; see `reconciler logs {env} {name}`"
        words += f", run it again: reconciler retry {env} {name}"
        steps.wait(rollout.subject, words, Ender.OUTSIDE, expects=FAILED)


def _run(
    steps: Steps, rollout: Rollout, tending: Tending, role: Role, hook: PreDeploy | PostDeploy, runs: int = 0
) -> None:
    target, view = rollout.target, rollout.view
    owner, name = steps.desired.owner, target.service.name
    note = _note(target, role, "started", _command(target, hook), runs + 1)
    same = [i for i in view.hooks if i.role is role and i.generation.g8 == note.generation.g8]
    number = free_numbers([i.number for i in same if i.number is not None], 1)[0]
    object_name = str(InstanceName(owner, name, note.generation.g8, number, role))
    words = "before the new generation" if role is Role.PRE_DEPLOY else "the new generation proved itself"
    steps.act(
        RunHook(
            subject=Subject("Service", name, object_name),
            cause=Cause("commit", (words,)),
            blueprint=replace(draw(steps, target, number), name=object_name),
            words=hook.command,
            note=note,
            notes=tending.notes,
            sequence=view.hook.sequence + 1 if view.hook else 1,
        )
    )


def _command(target: Target, hook: PreDeploy | PostDeploy) -> str:
    return command_digest(hook.command, target.form.fields)


def _note(target: Target, role: Role, state: State, command: str = "", runs: int = 0) -> Note:
    if target.generation is None:
        raise ValueError(f"{target.service.name}: a hook needs the digest of its image")
    return Note(role, target.generation, target.input, command, state, runs=runs)

"""The hooks of a service as they are seen; how they ended is written down, and what is over goes. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconciler.actions import PutMarker, RemoveInstance, RetireInstance
from reconciler.decision import Ender
from reconciler.desired import Subject
from reconciler.difference import Cause
from reconciler.hook_notes import KIND, Note, read_notes, with_note, without_note, write_notes
from reconciler.hook_runs import WORDS, Run, newest, noted, read_runs
from reconciler.ownership import Role
from reconciler.readiness import grace
from reconciler.steps import Steps
from reconciler.target import Target, retried_ids
from reconciler.view import ServiceView

_GRACE = 10.0


@dataclass(frozen=True, slots=True)
class Tending:
    """The hooks of one service as they are seen. ``is_noting``: what is seen is written down first."""

    view: ServiceView
    runs: tuple[Run, ...]
    notes: tuple[Note, ...]
    retried: frozenset[str]
    is_noting: bool = False

    def find(self, role: Role, target: Target) -> Note | None:
        """The note of a hook of the target's generation."""
        return next((note for note in self.notes if note.role is role and _is_of(target, note)), None)

    def did(self, role: Role, target: Target, command: str) -> bool:
        """Whether the same command has done its work with the same environment, secrets and image, for
        whichever generation: another limit of memory is no reason to migrate again."""
        return any(
            note.role is role and note.state == "done" and note.command == command and _is_alike(target, note)
            for note in self.notes
        )

    def is_retried(self, note: Note) -> bool:
        """A retry was asked for after what it says."""
        return note.container in self.retried

    @property
    def running(self) -> Run | None:
        """The run that has not ended."""
        return next((run for run in self.runs if run.state == "running"), None)


def _is_of(target: Target, note: Note) -> bool:
    return note.generation.fingerprint == target.form.fingerprint and _is_alike(target, note)


def _is_alike(target: Target, note: Note) -> bool:
    """Secrets and image agree."""
    seen = note.generation
    same = seen.secrets == target.secrets or bool(target.service.missing_secrets)
    return same and target.is_image_of(note.input, seen.digest)


def see_hooks(view: ServiceView) -> Tending:
    """The hooks of a service as they are seen."""
    return Tending(view, read_runs(view.hooks), read_notes(view.hook), retried_ids(view))


def retriable_ids(view: ServiceView) -> tuple[str, ...]:
    """Ids of the containers whose hook did not do its work, as far as is known: what ``retry`` names."""
    tending = see_hooks(view)
    states = {run.instance.handle.id: run.state for run in tending.runs}
    found = {key for key, state in states.items() if state in ("failed", "killed")}
    for note in tending.notes:
        is_lost = note.state == "started" and note.container not in states
        if note.container and states.get(note.container) != "running":
            found |= {note.container} if is_lost or note.state in ("failed", "killed") else set()
    return tuple(sorted(found))


def tend(steps: Steps, target: Target, view: ServiceView) -> Tending:
    """Write down how runs ended, stop what takes too long, remove what is over; whatever else the service
    needs."""
    tending = see_hooks(view)
    if view.busy or not view.hooks or steps.observed.cannot_read("markers"):
        return tending
    notes = _noted(steps, tending)
    if notes != tending.notes:
        put_notes(steps, view, target.service.name, notes, "what its hook did")
        return replace(tending, is_noting=True)
    for run in tending.runs:
        _end(steps, target, tending, run)
    return tending


def put_notes(
    steps: Steps, view: ServiceView, service_name: str, notes: tuple[Note, ...], words: str
) -> None:
    """Plan the marker."""
    subject = Subject("Marker", service_name, KIND)
    sequence = view.hook.sequence + 1 if view.hook else 1
    cause = Cause("release", (words,))
    steps.act(PutMarker(subject, cause, KIND, service_name, sequence, write_notes(notes)))


def _noted(steps: Steps, tending: Tending) -> tuple[Note, ...]:
    notes = tending.notes
    for run in newest(tending.runs):
        of_run = (run.role, run.instance.generation)
        earlier = next((n for n in notes if (n.role, n.generation) == of_run), None)
        if run.instance.handle.id in tending.retried:
            continue
        # A note of another container is that of a later run: it is written before that run begins.
        if earlier is not None and earlier.container not in ("", run.instance.handle.id):
            continue
        if run.state == "created":
            notes = _without_start(earlier, notes)
        elif run.is_overdue(steps.now) or run.state != "running":
            is_known = earlier is not None and earlier.state not in ("due", "started")
            notes = notes if is_known else with_note(noted(run, earlier), notes)
    return notes


def _without_start(note: Note | None, notes: tuple[Note, ...]) -> tuple[Note, ...]:
    """It never ran: a note of its start would say, once the container is gone, that nobody knows its end."""
    if note is None or not note.container:
        return notes
    if note.role is Role.PRE_DEPLOY:
        return without_note(note, notes)
    return with_note(replace(note, state="due", command="", container="", runs=0), notes)


def _end(steps: Steps, target: Target, tending: Tending, run: Run) -> None:
    instance, name = run.instance, target.service.name
    subject = Subject("Service", name, instance.name)
    if run.is_overdue(steps.now):
        cause = Cause("commit", (f"{WORDS[run.role]}: {run.reason()}",))
        steps.act(RetireInstance(subject, cause, instance.handle, instance.name, grace(target.form.spec)))
    elif run.state != "running" and (words := _over(target, tending, run)):
        steps.act(RemoveInstance(subject, Cause("release", (words,)), instance.handle, _GRACE, False))


def _over(target: Target, tending: Tending, run: Run) -> str | None:
    """Why the container of a run may go; None for the newest of its hook: what it wrote can be read."""
    hooks = target.form.spec.hooks
    if run.instance.handle.id in tending.retried:
        return "a retry was asked for"
    if run.state == "created":
        return "it was created and never started"
    if any(other.role is run.role for other in tending.runs[tending.runs.index(run) + 1 :]):
        return "a newer run of the hook is there"
    wanted = hooks.pre_deploy if run.role is Role.PRE_DEPLOY else hooks.post_deploy
    return None if wanted is not None else "git does not name the hook any more"


def prune_hooks(steps: Steps) -> None:
    """Containers of hooks whose service left git, after its instances; one that runs is left to end."""
    wanted = steps.desired.services.keys() | steps.desired.excluded
    for name, view in sorted(steps.views.services.items()):
        if name in wanted or view.instances or view.busy:
            continue
        for run in read_runs(view.hooks):
            if run.state == "running" and not run.is_overdue(steps.now):
                wait_for_end(steps, name, run)
                continue
            subject = Subject("Service", name, run.instance.name)
            cause = Cause("prune", (f"Service {name} is not in git any more",))
            steps.act(RemoveInstance(subject, cause, run.instance.handle, _GRACE))


def wait_for_end(steps: Steps, service_name: str, run: Run) -> None:
    """It runs: look again in a while. Also one of an earlier generation: nothing is killed in the middle
    because a newer commit is there."""
    words = f"{WORDS[run.role]} runs to its end ({run.instance.name})"
    steps.wait(Subject("Service", service_name), words, Ender.TIME, steps.now + 1, KIND)

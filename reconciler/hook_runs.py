"""The containers that run hooks, each with what its label says of the hook, and how it ended. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import ValidationError

from reconciler.canonical import decode_canonical
from reconciler.desired import Json
from reconciler.hook_notes import Note, command_digest
from reconciler.observed import Instance, Phase
from reconciler.ownership import Role
from reconciler.readiness import IMAGE_FAULTS, runs
from reconciler.render import format_duration
from specs.hook import Hooks, PostDeploy, PreDeploy

WORDS = {Role.PRE_DEPLOY: "pre_deploy", Role.POST_DEPLOY: "post_deploy"}
"""What a spec calls the hook."""
UNKNOWN = "it was killed in the middle: whether it did its work is not known"
LOST = "it was begun and its container is gone: whether it did its work is not known"
_SIGNALS = (137, 143, 255)
"""Exit codes of a process that somebody killed, or whose engine went away."""
_LONGEST = PreDeploy(command=("x",)).timeout

State = Literal["created", "running", "done", "failed", "killed"]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a hook. ``timeout`` in seconds."""

    instance: Instance
    command: str
    """Digest of its words; empty where its label cannot be read."""
    timeout: float

    @property
    def role(self) -> Role:
        """Which hook."""
        return self.instance.role

    @property
    def state(self) -> State:
        """What its container says. ``created``: it never ran."""
        seen = self.instance
        if seen.phase is Phase.CREATED:
            return "failed" if seen.error and seen.exit_code in IMAGE_FAULTS else "created"
        if runs(seen):
            return "running"
        if seen.exit_code == 0:
            return "done"
        is_known = seen.out_of_memory or self._took_too_long()
        return "failed" if is_known or seen.exit_code not in (*_SIGNALS, None) else "killed"

    def is_overdue(self, now: float) -> bool:
        """It runs for longer than it may."""
        started = self.instance.started_at
        return self.state == "running" and started is not None and now - started >= self.timeout

    def reason(self) -> str:
        """How it failed, or is about to."""
        seen = self.instance
        if seen.phase is Phase.CREATED:
            return f"its command cannot be run (exit code {seen.exit_code})"
        if seen.out_of_memory:
            return "it was killed for using more memory than its limit"
        if runs(seen) or self._took_too_long():
            return f"it took longer than {format_duration(self.timeout)} and was stopped"
        return f"it ended with exit code {seen.exit_code}"

    def _took_too_long(self) -> bool:
        begun, ended = self.instance.started_at, self.instance.finished_at
        return begun is not None and ended is not None and ended - begun >= self.timeout


def read_runs(instances: Sequence[Instance]) -> tuple[Run, ...]:
    """The runs of these containers, oldest first."""
    return tuple(_read(instance) for instance in sorted(instances, key=lambda i: (i.created_at, i.handle)))


def _read(instance: Instance) -> Run:
    hook = _hook_of(applied_hooks(instance), instance.role)
    if hook is None:
        return Run(instance, "", _LONGEST)
    return Run(instance, command_digest(hook.command, instance.applied_fields), hook.timeout)


def _hook_of(hooks: Hooks, role: Role) -> PreDeploy | PostDeploy | None:
    return hooks.pre_deploy if role is Role.PRE_DEPLOY else hooks.post_deploy


def applied_hooks(instance: Instance) -> Hooks:
    """The hooks that the spec in its label has; none where that cannot be read (it is hostile input)."""
    try:
        document = decode_canonical(instance.applied or "")
        service: Json = document["service"]
        written = service.get("hooks") if isinstance(service, dict) else None
        return Hooks.model_validate(written or {})
    except (ValueError, ValidationError, RecursionError):
        return Hooks()


def newest(runs: Sequence[Run]) -> tuple[Run, ...]:
    """The newest run of each hook and generation: an earlier one counts no more."""
    found = {(run.role, run.instance.generation): run for run in runs}
    return tuple(found.values())


def noted(run: Run, earlier: Note | None) -> Note:
    """The note of a run that has ended, or takes too long."""
    seen, state = run.instance, run.state
    ended = "failed" if state == "running" else state
    return Note(
        role=run.role,
        generation=seen.generation,
        input=seen.input,
        command=run.command or (earlier.command if earlier else ""),
        state="done" if ended == "done" else "failed" if ended == "failed" else "killed",
        container=seen.handle.id,
        runs=max(1, earlier.runs if earlier else 0),
        reason={"failed": run.reason(), "killed": UNKNOWN}.get(ended, ""),
    )

"""What one pass works with while it decides: its inputs, and the steps decided so far. No IO."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.actions import Action
from reconciler.decision import Block, Ender, Wait
from reconciler.desired import Desired, Subject
from reconciler.flapping import calm_at
from reconciler.observed import LiveNetwork, LiveVolume, Observed
from reconciler.view import Views, group


@dataclass(slots=True)
class Steps:
    """The inputs of a pass, indexed once, and the decision as it grows."""

    desired: Desired
    observed: Observed
    now: float
    views: Views
    networks: Mapping[str, LiveNetwork]
    """By object name; of two of ours by one name the oldest."""
    volumes: Mapping[str, LiveVolume]
    actions: list[Action] = field(default_factory=list)
    waits: dict[Wait, None] = field(default_factory=dict)
    blocks: dict[Block, None] = field(default_factory=dict)
    stuck: set[Subject] = field(default_factory=set)
    """Subjects that are blocked, or wait for somebody else."""
    planned: set[Subject] = field(default_factory=set)

    @classmethod
    def begin(cls, desired: Desired, observed: Observed, now: float) -> Steps:
        """Index the inputs."""
        networks: dict[str, LiveNetwork] = {}
        for network in sorted(observed.networks, key=lambda n: (n.created_at, n.handle.id)):
            networks.setdefault(network.object_name, network)
        volumes = {volume.object_name: volume for volume in observed.volumes}
        return cls(desired, observed, now, group(observed), networks, volumes)

    def act(self, action: Action) -> None:
        """Plan an action, or the Wait or Block that stands for it: one action a subject, none while one is
        in flight, none before its backoff is over, none when it was refused for good."""
        subject = action.subject
        if subject in self.planned:
            return
        self.planned.add(subject)
        attempt = self.observed.attempts.get(subject)
        if attempt is not None and attempt.verb != type(action).__name__:
            attempt = None
        if subject in self.observed.in_flight:
            self.wait(subject, "in progress", Ender.US)
        elif attempt is None:
            self._act_calmly(action)
        elif attempt.final:
            remedy = "mend the cause, then run apply again"
            self.block(subject, attempt.code or "PLAN001", attempt.error, remedy)
        elif self.now < attempt.not_before:
            reason = f"tried {attempt.count} times: {attempt.error}"
            self.wait(subject, reason, Ender.TIME, attempt.not_before, "attempt")
        else:
            self._act_calmly(action)

    def _act_calmly(self, action: Action) -> None:
        """What somebody else undoes again and again is done ever more slowly."""
        calm = calm_at(self.observed.healed, action.subject) if action.cause.type == "drift" else 0.0
        if self.now < calm and action.subject.kind == "Service":
            reason = "healed again and again, and undone each time: it is healed more slowly"
            self.wait(action.subject, reason, Ender.TIME, calm, "calm")
        else:
            self.actions.append(action)

    def wait(
        self,
        subject: Subject,
        reason: str,
        ender: Ender,
        at: float | None = None,
        expects: str = "",
        look_at: float | None = None,
    ) -> None:
        """Plan a Wait, once."""
        self.waits[Wait(subject, reason, ender, at, expects, look_at)] = None
        if ender is Ender.OUTSIDE:
            self._stick(subject)

    def wait_on(self, subject: Subject, needed: Subject, reason: str) -> None:
        """Wait for something that we are bringing about; where that is itself blocked, or waits for
        somebody else, so does this: a plan must not look unsettled when we can do nothing."""
        self.wait(subject, reason, Ender.OUTSIDE if needed in self.stuck else Ender.US)

    def block(self, subject: Subject, code: str, reason: str, remedy: str, *, held: bool = False) -> None:
        """Plan a Block, once."""
        self.blocks[Block(subject, code, reason, remedy, held)] = None
        self._stick(subject)

    def _stick(self, subject: Subject) -> None:
        self.stuck |= {subject, Subject(subject.kind, subject.name)}

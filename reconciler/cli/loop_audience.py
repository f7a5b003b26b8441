"""Who is told what a loop does: the log, those who look on, forges, other people's webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from reconciler.desired import Desired, Subject
from reconciler.keeper_report import Heard, Rest
from reconciler.loop import PassReport
from reconciler.ownership import Owner
from reconciler.provider import ProviderError
from specs.problem import Problem


@dataclass(frozen=True, slots=True)
class Refusal:
    """News of a repository that cannot be used; what was kept before is kept on. ``environment`` is empty
    where it is about all of them; ``commit`` is None where none was read."""

    repository: str
    environment: str
    commit: str | None
    problems: tuple[Problem, ...]

    @property
    def about(self) -> str:
        """For messages."""
        return f"{self.repository} {self.environment}".strip()


class Listener(Protocol):
    """One who is told. Nothing of it may raise or wait: what takes time is done beside the loop."""

    def heard(self, owner: Owner, repository: str) -> Heard:
        """Where the keeper of this environment reports to."""
        ...

    def refused(self, refusal: Refusal) -> None:
        """A commit cannot be used."""
        ...


def heard_by(listeners: Sequence[Listener], owner: Owner, repository: str) -> Heard:
    """All of them as one."""
    parts = [listener.heard(owner, repository) for listener in listeners]

    def begun(desired: Desired, trigger: str) -> None:
        for part in parts:
            part.begun(desired, trigger)

    def passed(desired: Desired, report: PassReport, seconds: float) -> None:
        for part in parts:
            part.passed(desired, report, seconds)

    def rested(rest: Rest) -> None:
        for part in parts:
            part.rested(rest)

    def failed(error: ProviderError) -> None:
        for part in parts:
            part.failed(error)

    def progress(subject: Subject, line: str) -> None:
        for part in parts:
            part.progress(subject, line)

    return Heard(begun, passed, rested, failed, progress)

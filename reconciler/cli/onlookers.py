"""Those who look on while a loop works: what happens to an environment, told to who follows its repository.

Nobody is waited for: of who reads too slowly lines are dropped, but never news of commits and rests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from reconciler.cli.apply import hide
from reconciler.cli.loop_audience import Refusal
from reconciler.desired import Desired, Subject
from reconciler.forecast import forecast
from reconciler.keeper_report import Heard, Rest
from reconciler.loop import PassReport
from reconciler.ownership import Owner
from reconciler.provider import ProviderError
from reconciler.render import escape
from reconciler.render_apply import ApplyView, render_apply, render_pass
from reconciler.render_plan import render_plan, view_plan

_MAX_LINES: Final = 2_000
_LONGEST_LINE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Said:
    """A line about an environment, free of secrets and of what a terminal would obey; about all of them
    where ``environment`` is empty."""

    environment: str
    line: str


@dataclass(frozen=True, slots=True)
class Begun:
    """Another commit is kept from now on."""

    environment: str
    commit: str


@dataclass(frozen=True, slots=True)
class Rested:
    """An environment came to rest."""

    environment: str
    commit: str
    rest: Rest


News: TypeAlias = Said | Begun | Rested


@dataclass(slots=True)
class Onlookers:
    """The queues of those who look on, by the repository that they follow. ``secrets`` are never said."""

    secrets: Collection[str] = field(default=(), repr=False)
    _queues: dict[str, list[asyncio.Queue[News]]] = field(default_factory=dict)
    _fresh: set[Owner] = field(default_factory=set)
    """Owners of whose newest commit no pass was told yet."""

    @contextmanager
    def follow(self, repository_name: str) -> Iterator[asyncio.Queue[News]]:
        """News of a repository from now on."""
        queue: asyncio.Queue[News] = asyncio.Queue()
        self._queues.setdefault(repository_name, []).append(queue)
        try:
            yield queue
        finally:
            self._queues[repository_name].remove(queue)

    # -- a listener of the loop

    def heard(self, owner: Owner, repository: str) -> Heard:
        """What the keeper of this environment reports to."""
        environment = owner.environment

        def say(lines: Iterable[str]) -> None:
            self._say(repository, environment, lines)

        def begun(desired: Desired, trigger: str) -> None:
            self._fresh.add(owner)
            self._tell(repository, Begun(environment, desired.commit))

        def passed(desired: Desired, report: PassReport, seconds: float) -> None:
            is_first = owner in self._fresh
            self._fresh.discard(owner)
            if self._queues.get(repository):
                say(_first_lines(desired, report) if is_first else _pass_lines(desired, report))

        def rested(rest: Rest) -> None:
            if self._queues.get(repository):
                say(_rest_lines(rest))
            self._tell(repository, Rested(environment, rest.desired.commit, rest))

        def failed(error: ProviderError) -> None:
            say([str(error)])

        def progress(subject: Subject, line: str) -> None:
            say([f"  {subject.name} | {line}"])

        return Heard(begun, passed, rested, failed, progress)

    def refused(self, refusal: Refusal) -> None:
        """A commit cannot be used: what was kept before is kept on."""
        shown = [str(problem) for problem in refusal.problems if problem.severity == "error"]
        self._say(refusal.repository, refusal.environment, shown)

    def _say(self, repository: str, environment: str, lines: Iterable[str]) -> None:
        if self._queues.get(repository):
            for line in lines:
                shown = escape(hide(line, self.secrets), _LONGEST_LINE)
                self._tell(repository, Said(environment, shown))

    def _tell(self, repository: str, news: News) -> None:
        for queue in self._queues.get(repository, ()):
            if not isinstance(news, Said) or queue.qsize() < _MAX_LINES:
                queue.put_nowait(news)


def _first_lines(desired: Desired, report: PassReport) -> Sequence[str]:
    """The first pass of a commit: the whole plan, of which the actions that begin are a part."""
    following = forecast(desired, report.observed, report.observed.at)
    plan = render_plan(view_plan(desired, report.observed, report.plan, following)).splitlines()
    return [*plan, *render_pass(desired, report.observed, report.outcomes, ())]


def _pass_lines(desired: Desired, report: PassReport) -> Sequence[str]:
    return render_pass(desired, report.observed, report.outcomes, report.started)


def _rest_lines(rest: Rest) -> Sequence[str]:
    view = ApplyView(
        rest.desired, rest.observed, rest.plan, rest.result, rest.passes, rest.duration, rest.outcomes
    )
    return render_apply(view).splitlines()

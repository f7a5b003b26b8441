"""The listener that has results told: what a keeper reports becomes letters, and nothing waits for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from reconciler.cli.loop_audience import Refusal
from reconciler.cli.result_letters import Letter
from reconciler.cli.result_places import ForgePlace, notified, places_of
from reconciler.cli.result_words import News, context_of, notification, status_body
from reconciler.cli.verdicts import (
    Standing,
    Verdict,
    refusal_verdict,
    rest_verdicts,
    superseded,
    unread_verdict,
)
from reconciler.desired import Desired
from reconciler.keeper_report import Heard, Rest
from reconciler.loop import PassReport
from reconciler.ownership import Owner
from specs.run_file import RunSpec
from specs.run_results import Event

_BLIND: Final = 4
"""Looks in a row; with the pauses between them some fifteen seconds."""
_PENDING_PAUSE: Final = 1.0
"""Seconds that "pending" waits: what settles at once needs no second request, and a restart none at all."""


@dataclass(slots=True)
class _Course:
    """What was told of one environment's newest commit."""

    commit: str
    trigger: str
    standings: dict[str, Standing] = field(default_factory=dict)
    """By service name; the environment's own under an empty one."""
    touched: set[str] = field(default_factory=set)
    blind: int = 0
    """Looks in a row that could not see everything."""


@dataclass(slots=True)
class Results:
    """Implements ``Listener``. ``send`` takes a letter and returns at once; ``hide`` masks secrets."""

    spec: Callable[[], RunSpec]
    send: Callable[[Letter], None]
    hide: Callable[[str], str] = lambda words: words
    clock: Callable[[], float] = time.time
    _courses: dict[Owner, _Course] = field(default_factory=dict)

    def heard(self, owner: Owner, repository: str) -> Heard:
        """See ``Listener``."""
        return Heard(
            begun=lambda desired, trigger: self._begun(owner, repository, desired, trigger),
            passed=lambda desired, report, seconds: self._passed(owner, repository, desired, report),
            rested=lambda rest: self._rested(owner, repository, rest),
            failed=lambda error: self._unread(owner, repository, str(error)),
        )

    def refused(self, refusal: Refusal) -> None:
        """See ``Listener``."""
        verdict = self._masked(refusal_verdict(refusal.problems))
        if refusal.commit is not None and refusal.environment:
            self._status(refusal.repository, refusal.environment, refusal.commit, verdict)
        about = (refusal.repository, None, refusal.environment, refusal.commit, None)
        self._notify(News("refused", *about, (verdict,)))

    def _begun(self, owner: Owner, repository: str, desired: Desired, trigger: str) -> None:
        earlier = self._courses.get(owner)
        environment = owner.environment
        if earlier is not None and earlier.commit != desired.commit:
            for name, standing in earlier.standings.items():
                if standing in ("pending", "error"):
                    verdict = superseded(name, desired.commit)
                    self._status(repository, environment, earlier.commit, verdict)
        course = self._courses[owner] = _Course(desired.commit, trigger)
        course.standings[""] = "pending"
        self._status(repository, environment, desired.commit, Verdict("", "pending", "deploying"))

    def _passed(self, owner: Owner, repository: str, desired: Desired, report: PassReport) -> None:
        course = self._courses.get(owner)
        if course is not None and course.commit == desired.commit:
            course.touched |= {a.subject.name for a in report.started if a.subject.kind == "Service"}

        if report.observed.unreadable:
            self._unread(owner, repository, "; ".join(u.reason for u in report.observed.unreadable))
        elif course is not None:
            course.blind = 0

    def _unread(self, owner: Owner, repository: str, reason: str) -> None:
        """Somebody may wait for what nobody can see: told when it is no passing moment."""
        course = self._courses.get(owner)
        if course is None:
            return
        course.blind += 1
        if course.blind == _BLIND and course.standings.get("") == "pending":
            verdict = self._masked(unread_verdict(reason))
            course.standings[""] = verdict.standing
            self._status(repository, owner.environment, course.commit, verdict)

    def _rested(self, owner: Owner, repository: str, rest: Rest) -> None:
        commit = rest.desired.commit
        course = self._courses.setdefault(owner, _Course(commit, rest.trigger))
        found = [self._masked(v) for v in rest_verdicts(rest, frozenset(course.touched))]
        news = [v for v in found if course.standings.get(v.service_name) != v.standing]
        for verdict in news:
            course.standings[verdict.service_name] = verdict.standing
            self._status(repository, owner.environment, commit, verdict)
        event = _event(rest, found[0], is_news=bool(news))
        if event is not None:
            about = (repository, owner, owner.environment, commit, rest.trigger)
            self._notify(News(event, *about, tuple(found)))

    def _status(self, repository: str, environment: str, commit: str, verdict: Verdict) -> None:
        for place in places_of(self.spec()).values():
            if isinstance(place, ForgePlace) and place.repository == repository:
                now = self.clock()
                key = f"{commit} {context_of(environment, verdict.service_name)}"
                body = status_body(place.forge, environment, verdict)
                later = now + _PENDING_PAUSE if verdict.standing == "pending" else now
                self.send(Letter(place.name, key, place.path(commit), body, now, later))

    def _notify(self, news: News) -> None:
        now = self.clock()
        for place in notified(self.spec(), news.environment, news.event):
            # Each is an event of its own: a later one does not take an earlier one's place.
            key = f"{news.event} {news.repository} {news.environment} {news.commit} {now}"
            self.send(Letter(place.name, key, "", notification(news, now), now, now))

    def _masked(self, verdict: Verdict) -> Verdict:
        return Verdict(verdict.service_name, verdict.standing, self.hide(verdict.words))


def _event(rest: Rest, whole: Verdict, is_news: bool) -> Event | None:
    """What a rest is worth telling as; None where it tells nothing new."""
    if is_news and whole.standing in ("failure", "error"):
        return "unstable" if rest.result == "settled" else "failed"
    if any(outcome.action.cause.type == "drift" for outcome in rest.outcomes):
        return "drift"
    return "settled" if is_news and whole.standing == "success" else None

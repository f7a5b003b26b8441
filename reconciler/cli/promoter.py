"""The work of one repository's automatic promotions: when each is tried, and what is told of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reconciler.cli.envelope import Stop, problem_of
from reconciler.cli.exits import REFUSED
from reconciler.cli.loop_source import RepositoryWatch
from reconciler.cli.promote_by_itself import Ground, Promoting
from reconciler.cli.promotion_news import PromotionNews, news_of, news_of_problems
from reconciler.cli.source import Source
from reconciler.gate_result import GateResult
from reconciler.jitter import jittered
from reconciler.ownership import Owner
from reconciler.provider import ProviderError
from reconciler.serve import first_of
from specs.environment import Environment

RECHECK = 300.0
"""Seconds after which what waits is looked at again, whatever is heard."""
_UNREAD = 10.0
_FIRST_BACKOFF = 15.0
_LONGEST_BACKOFF = 1800.0
_LEAST = 0.1
_MOVED = PromotionNews("failed")
"""Somebody else was faster: nothing is to be told of that."""


@dataclass(slots=True)
class Promoter:
    """One entry of the Run file. ``pending`` gives the newest commit of an environment that waits for
    ``apply``; ``tell`` is told what is new, and must not raise."""

    promoting: Promoting
    watch: RepositoryWatch
    pending: Callable[[Owner], str | None]
    tell: Callable[[Owner, PromotionNews], None]
    sources: dict[str, Source] = field(default_factory=dict)
    """What is accepted of each environment that is kept, under the policy that is."""
    tried: dict[str, int] = field(default_factory=dict)
    """How often each was tried."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _hinted: set[str] = field(default_factory=set)
    _due: dict[str, float] = field(default_factory=dict)
    """By the event loop's clock."""
    _failures: dict[str, int] = field(default_factory=dict)
    _told: dict[str, str] = field(default_factory=dict)

    def hint(self, environment_name: str) -> None:
        """Something new is kept there, or it came to rest: what concerns it is tried soon."""
        self._hinted.add(environment_name)
        self._news.set()

    async def work(self, stopping: asyncio.Event) -> None:
        """Try what is due, one after the other, until ``stopping``."""
        while not stopping.is_set():
            self._news.clear()
            hinted, self._hinted = self._hinted, set()
            clock = asyncio.get_running_loop()
            targets = self._targets()
            for name, environment in targets.items():
                is_news = name in hinted or environment.follows in hinted
                if is_news or self._due.get(name, 0.0) <= clock.time():
                    self._due[name] = clock.time() + RECHECK  # also where a fault of ours ends this here
                    self._due[name] = clock.time() + await self._try(name, environment)
                if stopping.is_set():
                    return
            soonest = min((self._due[name] for name in targets), default=clock.time() + RECHECK)
            await first_of(stopping, self._news, within=max(_LEAST, soonest - clock.time()))

    def _targets(self) -> Mapping[str, Environment]:
        """What is promoted by itself, of what this entry keeps."""
        chosen = self.watch.entry.environments
        return {
            name: environment
            for name, environment in sorted((self.watch.environments or {}).items())
            if environment.follows and environment.promotion.mode == "auto"
            if not chosen or name in chosen
        }

    async def _try(self, name: str, environment: Environment) -> float:
        """The seconds after which it is tried again."""
        ground = self._ground(name, environment)
        if ground is None:
            return _UNREAD
        news = await self._promote(ground, environment.follows or "", name)
        self.tried[name] = self.tried.get(name, 0) + 1
        self._say(Owner(environment.project, name), news)
        failures = self._failures[name] = self._failures.get(name, 0) + 1 if news.result == "failed" else 0
        return pause_after(news, failures, time.time())

    def _ground(self, name: str, environment: Environment) -> Ground | None:
        """What is accepted; None while the newest commit is not, or is not read yet."""
        source = self.sources.get(name)
        if source is None or {name, ""} & (self.watch.refused | self.watch.held):
            return None
        pending = self.pending(Owner(environment.project, name))
        return Ground(source, pending, self.sources.get(environment.follows or ""))

    async def _promote(self, ground: Ground, from_name: str, to_name: str) -> PromotionNews:
        gates: list[GateResult] = []

        def judged(found: tuple[GateResult, ...]) -> None:
            gates[:] = found

        try:
            report = await self.promoting.promote(ground, from_name, to_name, judged)
        except Stop as stop:
            return news_of_problems(stop.problems, is_final=stop.exit == REFUSED)
        except ProviderError as error:
            return news_of_problems([problem_of(error)], is_final=False)
        if report is None:
            self.watch.announce("promotion")
            return _MOVED
        news = news_of(report, gates)
        if news.result == "written" and report.members.get("pull_request") is None:
            self.watch.announce("promotion")
        return news

    def _say(self, owner: Owner, news: PromotionNews) -> None:
        if news is _MOVED or self._told.get(owner.environment, "") == news.cause:
            return
        self._told[owner.environment] = news.cause
        self.tell(owner, news)


def pause_after(news: PromotionNews, failures: int, now: float) -> float:
    """The seconds after which it is tried again; ``failures`` in a row, this one counted."""
    if news.result == "failed":
        return jittered(min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2.0 ** min(failures - 1, 10)))
    if news.retry_at is not None:
        return max(_LEAST, min(RECHECK, news.retry_at - now))
    return jittered(RECHECK)

"""What becomes of one push: how each environment that follows it comes to rest, or what overtakes it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

from reconciler.cli.loop_settle import GOOD
from reconciler.cli.onlookers import Begun, News, Rested, Said
from reconciler.keeper_report import Rest
from reconciler.render import short_commit

SUPERSEDED: Final = "superseded"


@dataclass(slots=True)
class PushWatch:
    """``visible`` are the environments that the pusher sees; None for all. ``targets``: environment -> the
    commit that it is to come to rest at."""

    visible: Collection[str] | None
    targets: dict[str, str] = field(default_factory=dict)
    results: dict[str, str] = field(default_factory=dict)
    rests: dict[str, Rest] = field(default_factory=dict)

    def sees(self, environment: str) -> bool:
        """Whether news of it are for the pusher; of all environments they always are."""
        return not environment or self.visible is None or environment in self.visible

    def expect(self, commits: Mapping[str, str], refused: Collection[str], pushed: Collection[str]) -> None:
        """What was read: the newest commit of each environment, those whose newest cannot be used, and the
        commits of this push by which an environment may be concerned."""
        for name in filter(self.sees, sorted({*commits, *refused})):
            if name in refused:
                self.results[name] = "refused"
            elif commits[name] in pushed:
                self.targets[name] = commits[name]

    def overtake(self, environment: str, commit: str) -> str:
        """A newer commit came before this one was at rest; the line to say."""
        self.results[environment] = SUPERSEDED
        return f"a newer commit, {short_commit(commit)}, superseded this one"

    def rest(self, environment: str, rest: Rest) -> None:
        """It is at rest, if it is at the commit of this push."""
        if rest.desired.commit == self.targets.get(environment):
            self.results.setdefault(environment, rest.result)
            self.rests.setdefault(environment, rest)

    def hear(self, news: News) -> str | None:
        """The line to show for what was told, if any."""
        if not self.sees(news.environment):
            return None
        match news:
            case Said():
                return self._titled(news.environment, news.line)
            case Begun():
                awaited = news.environment in self.targets and news.environment not in self.results
                if awaited and news.commit != self.targets[news.environment]:
                    return self._titled(news.environment, self.overtake(news.environment, news.commit))
            case Rested():
                self.rest(news.environment, news.rest)
        return None

    @property
    def is_over(self) -> bool:
        """Nothing more is awaited."""
        return all(name in self.results for name in self.targets)

    @property
    def verdict(self) -> str:
        """The last word."""
        if any(result not in (*GOOD, SUPERSEDED) for result in self.results.values()):
            return "failed"
        return SUPERSEDED if SUPERSEDED in self.results.values() else "ok"

    def _titled(self, environment: str, line: str) -> str:
        several = len({*self.targets, *self.results}) > 1
        return f"{environment}: {line}" if several and environment else line

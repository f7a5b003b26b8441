"""What a loop says: one line a pass that did something, one an action, and an entry in the journal."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.cli.drift_news import DriftNews
from reconciler.cli.loop_audience import Refusal
from reconciler.cli.lost_images import lost_images
from reconciler.cli.promotion_news import PromotionNews
from reconciler.desired import Desired, Json, Subject
from reconciler.hand_stop import how_to_keep
from reconciler.journal import Journal
from reconciler.keeper_report import Heard, Rest
from reconciler.loop import PassReport
from reconciler.ownership import Owner
from reconciler.provider import ProviderError
from reconciler.render import format_time
from reconciler.render_action import BOOKKEEPING, describe, describe_cause
from reconciler.render_apply import ApplyView, hold_words, is_hold
from reconciler.render_journal import journal_entry
from reconciler.render_mask import mask_action
from specs.problem import Problem

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger


@dataclass(slots=True)
class Voice:
    """The log of one process. Knows every secret value that it must not say."""

    secrets: set[str] = field(default_factory=set, repr=False)
    drift: DriftNews = field(default_factory=DriftNews)
    lost: dict[Owner, Mapping[str, str]] = field(default_factory=dict)
    """What cannot be had back, as it was told last."""
    silent: set[Owner] = field(default_factory=set)
    """Of whom the journal cannot be written, which was told."""
    _log: FilteringBoundLogger | None = None

    @property
    def log(self) -> FilteringBoundLogger:
        """The logger, configured with its first use."""
        return self.learn(()) if self._log is None else self._log

    def learn(self, values: Iterable[str]) -> FilteringBoundLogger:
        """Never say these."""
        import structlog

        from reconciler.log import configure

        self.secrets.update(values)
        configure(secrets=self.secrets)
        log: FilteringBoundLogger = structlog.get_logger()
        self._log = log
        return log

    def heard(self, owner: Owner, repository: str) -> Heard:
        """What the keeper of this environment reports to."""
        return Heard(
            passed=self._passed,
            rested=lambda rest: self._rested(owner, rest),
            failed=lambda error: self.failed(str(owner), error),
            progress=_ignore,
        )

    def failed(self, where: str, error: ProviderError) -> None:
        """Something could not be read; it is tried again."""
        self.log.warning("cannot read", about=where, code=error.code, error=error.message)

    def refused(self, refusal: Refusal) -> None:
        """A commit cannot be used: what was kept before is kept on."""
        shown = [str(problem) for problem in refusal.problems if problem.severity == "error"]
        self.log.error("refused", about=refusal.about, problems=shown[:20], count=len(shown))

    def warn(self, owner: Owner, problems: Sequence[Problem]) -> None:
        """A commit counts, and something about it should be known."""
        for problem in problems[:20]:
            self.log.warning("warning", owner=str(owner), problem=str(problem))

    def crashed(self, name: str, error: BaseException) -> None:
        """A fault of ours."""
        self.log.error("fault", about=name, exc_info=error)

    def promoted(self, owner: Owner, news: PromotionNews, author: str) -> None:
        """A loop has promoted by itself, or cannot yet: which, and why."""
        words = {"owner": str(owner), "services": list(news.services), "reasons": list(news.reasons)}
        if news.result == "written":
            self.log.info("promoted", **words, commit=news.commit, branch=news.branch)
            return  # whoever wrote it has noted it
        told = self.log.warning if news.result == "failed" else self.log.info
        again = format_time(news.retry_at) if news.retry_at is not None else None
        told("not promoted", **words, result=news.result, again=again)
        entry: dict[str, Json] = {"verb": "promote", "commit": None, "actor": author, "result": news.result}
        about, reason = ", ".join(news.services), "; ".join(news.reasons)
        at = format_time(time.time())
        self._record(owner, {"at": at, **entry, "about": about, "reason": reason})

    def _passed(self, desired: Desired, report: PassReport, seconds: float) -> None:
        log = self.log.bind(owner=str(desired.owner), commit=desired.commit)
        for outcome in report.outcomes:
            if outcome.result == "failed":
                words = {"error": outcome.error, "code": outcome.code, "log": list(outcome.log_tail)}
                log.warning("failed", action=describe(outcome.action), **words)
            elif is_hold(outcome.action):
                log.warning("held", **hold_words(outcome, desired.owner))
            elif not isinstance(outcome.action, BOOKKEEPING):
                said = {"action": describe(outcome.action), "duration_s": round(outcome.duration, 3)}
                if outcome.error:
                    log.warning(outcome.result, **said, error=outcome.error)
                else:
                    log.info(outcome.result, **said)
        for action in report.started:
            if not isinstance(action, BOOKKEEPING):
                cause = describe_cause(mask_action(action, desired, report.observed).cause)
                hint = how_to_keep(desired.owner, action)
                words = {"if_that_was_meant": hint} if hint else {}
                log.info("started", action=describe(action), cause=cause, **words)
        lost = report.observed.storage.lost
        if lost != self.lost.get(desired.owner, {}):
            self.lost[desired.owner] = lost
            self.warn(desired.owner, lost_images(desired, report.observed))
        drifted, is_over = self.drift.changed(desired.owner, report.plan)
        if drifted:
            heal = f"reconciler apply {desired.owner.environment} --heal"
            log.warning("drifted", what=drifted, heal=heal)
        elif is_over:
            log.info("drift is over")
        counted: dict[str, float] = {"number": report.number, "duration_s": round(seconds, 3)}
        counts = {"waits": len(report.plan.waits), "blocks": len(report.plan.blocks)}
        if report.observed.unreadable:
            log.warning("cannot tell", unreadable=[u.reason for u in report.observed.unreadable], **counted)
        elif report.started or report.outcomes:
            log.info("pass", actions=len(report.started), **counts, **counted)
        else:
            log.debug("pass", actions=0, **counts, **counted)

    def _rested(self, owner: Owner, rest: Rest) -> None:
        blocks = [f"{block.subject}: {block.reason} [{block.code}]" for block in rest.plan.blocks]
        took = round(rest.duration, 3)
        commit = rest.desired.commit
        self.log.info(
            "at rest", owner=str(owner), commit=commit, result=rest.result, blocks=blocks, duration_s=took
        )
        view = ApplyView(
            rest.desired, rest.observed, rest.plan, rest.result, rest.passes, rest.duration, rest.outcomes
        )
        if rest.outcomes:
            entry = {**journal_entry(view, time.time()), "verb": "run", "trigger": rest.trigger}
            self._record(owner, entry)

    def _record(self, owner: Owner, entry: Mapping[str, Json]) -> None:
        """No deploy fails by a journal that cannot be written: its loss is told, once until it goes on."""
        journal = Journal.of(owner)
        if journal.append(entry):
            self.silent.discard(owner)
        elif owner not in self.silent:
            self.silent.add(owner)
            remedy = "make room for it, or let it be written; history tells nothing of what happens meanwhile"
            self.log.warning("no journal", owner=str(owner), file=str(journal.path), remedy=remedy)


def _ignore(subject: Subject, line: str) -> None:
    """Build output: its last lines come with a failure."""

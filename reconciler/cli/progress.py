"""What happens during an ``apply``, on stderr: lines for a person on a terminal, else JSON log lines."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from reconciler.cli.options import Options
from reconciler.cli.session import style_for
from reconciler.decision import Ender, Wait
from reconciler.desired import Desired, Subject
from reconciler.loop import PassReport
from reconciler.render import Style, escape
from reconciler.render_action import BOOKKEEPING, describe, describe_cause
from reconciler.render_apply import hold_words, is_hold, render_pass, render_waiting
from reconciler.render_mask import mask_action

Print = Callable[[str], None]


class Progress(Protocol):
    """Is told of every pass, and of every line that a build prints."""

    def show_pass(self, report: PassReport) -> None: ...

    def show_line(self, subject: Subject, line: str) -> None: ...


def open_progress(desired: Desired, options: Options, secrets: Iterable[str] = ()) -> Progress:
    """Text on a terminal, JSON lines elsewhere; ``RECONCILER_LOG`` = text, json or none says otherwise.
    With ``--json`` nothing, unless it is asked for: stdout has the whole answer."""
    by_default = "none" if options.as_json else "text" if sys.stderr.isatty() else "json"
    kind = os.environ.get("RECONCILER_LOG") or by_default
    if kind == "none":
        return Silence()
    return TextProgress(desired) if kind == "text" else LogProgress(desired, tuple(secrets))


class Silence:
    """Says nothing."""

    def show_pass(self, report: PassReport) -> None:
        """Nothing."""

    def show_line(self, subject: Subject, line: str) -> None:
        """Nothing."""


def _print(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@dataclass(slots=True)
class TextProgress:
    """Line by line; the output of builds only where a person looks on."""

    desired: Desired
    style: Style = field(default_factory=lambda: style_for(sys.stderr))
    began: float = field(default_factory=time.monotonic)
    print_line: Print = _print
    _told: frozenset[tuple[Subject, str]] = frozenset()

    def show_pass(self, report: PassReport) -> None:
        """Print what one pass saw end and what it began."""
        took = time.monotonic() - self.began
        lines = render_pass(self.desired, report.observed, report.outcomes, report.started, self.style)
        lines += [render_waiting(wait, report.observed.at, self.style) for wait in self._new_waits(report)]
        for line in lines:
            self.print_line(f"{self.style.faint(f'{took:6.1f}s')} {line}")

    def _new_waits(self, report: PassReport) -> list[Wait]:
        """Waits on time that the pass before did not have: a wait is told once."""
        waits = {(w.subject, w.reason): w for w in report.plan.waits if w.ender is Ender.TIME}
        new = [wait for key, wait in waits.items() if key not in self._told]
        self._told = frozenset(waits)
        return new

    def show_line(self, subject: Subject, line: str) -> None:
        """Print one line of a build's output. What a failed instance wrote is told at the end."""
        if subject.kind == "Image" and sys.stderr.isatty():
            self.print_line(self.style.faint(f"        {escape(subject.name)} | {escape(line, 300)}"))


class LogProgress:
    """One JSON object an event, with the secrets taken out of every member."""

    def __init__(self, desired: Desired, secrets: tuple[str, ...]) -> None:
        import structlog

        from reconciler.log import configure

        configure(secrets=secrets, as_json=True)
        self._desired = desired
        self._log = structlog.get_logger().bind(owner=str(desired.owner), commit=desired.commit)

    def show_pass(self, report: PassReport) -> None:
        """Log what one pass saw end and what it began; a failure as a warning."""
        for outcome in report.outcomes:
            if outcome.result == "failed":
                words = {"error": outcome.error, "code": outcome.code, "log": list(outcome.log_tail)}
                self._log.warning("failed", action=describe(outcome.action), **words)
            elif is_hold(outcome.action):
                self._log.warning("held", **hold_words(outcome, self._desired.owner))
            elif not isinstance(outcome.action, BOOKKEEPING):
                said = {"action": describe(outcome.action), "duration_s": round(outcome.duration, 3)}
                if outcome.error:
                    self._log.warning(outcome.result, **said, error=outcome.error)
                else:
                    self._log.info(outcome.result, **said)
        for action in report.started:
            if not isinstance(action, BOOKKEEPING):
                cause = describe_cause(mask_action(action, self._desired, report.observed).cause)
                self._log.info("started", action=describe(action), cause=cause)

    def show_line(self, subject: Subject, line: str) -> None:
        """Nothing: the last lines of what failed come with its failure."""

"""What a verb has to say, and the JSON object around it (contracts, section 3)."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.cli.version import tool_version
from reconciler.render import escape, format_time
from specs.problem import Problem

if TYPE_CHECKING:
    from reconciler.desired import Json
    from reconciler.fault import ProviderError
    from reconciler.observed import Unreadable
    from reconciler.ownership import Owner
    from reconciler.render_json import JsonObject


@dataclass(frozen=True, slots=True)
class Report:
    """The result of one command, ready to be printed in any form.

    ``text`` goes to stdout; ``problems`` go to stderr, or into the JSON object. ``at`` is in seconds on the
    runtime's clock; None where no runtime was asked.
    """

    exit: int
    text: str = ""
    members: JsonObject = field(default_factory=dict)
    """What follows the envelope's own members."""
    owner: Owner | None = None
    commit: str | None = None
    at: float | None = None
    mode: str = "live"
    problems: tuple[Problem, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    streamed: bool = False
    """The verb has written to stdout itself; an envelope follows only where it failed."""


@dataclass(eq=False)
class Stop(Exception):
    """A verb ends here with these problems and this exit code."""

    exit: int
    problems: tuple[Problem, ...]
    owner: Owner | None = None
    commit: str | None = None


def envelope(verb: str, report: Report) -> JsonObject:
    """The one object on stdout of ``--json``."""
    from reconciler.render_json import sorted_objects, unreadable_json

    owner: Json = None
    if report.owner:
        owner = {"project": report.owner.project, "environment": report.owner.environment}
    return {
        "schema": f"reconciler/{verb}/v1",
        "tool": f"gitops-reconciler {tool_version()}",
        "exit": report.exit,
        "owner": owner,
        "commit": report.commit or None,
        "at": format_time(report.at if report.at is not None else time.time()),
        "mode": report.mode,
        "problems": [problem_json(problem) for problem in report.problems],
        "unreadable": sorted_objects([unreadable_json(u) for u in report.unreadable], "what"),
        **report.members,
    }


def dump(value: JsonObject) -> str:
    """One line of JSON, with nothing in it that a build service would take for a command in its log."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).replace("##", "#\\u0023")


def problem_json(problem: Problem) -> JsonObject:
    """Problem of contracts, section 3."""
    return {
        "code": problem.code,
        "severity": problem.severity,
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "subject": problem.subject,
        "seen": problem.seen,
        "expected": problem.expected,
        "remedy": problem.remedy,
    }


def problem_of(error: ProviderError) -> Problem:
    """A provider's error as a problem."""
    return Problem(
        error.code, "error", None, None, None, error.where, error.seen, error.expected, error.remedy
    )


def warning(code: str, subject: str, seen: str, remedy: str = "") -> Problem:
    """A warning that is about no place in a file."""
    return Problem(code, "warning", None, None, None, subject, seen, "", remedy)


def failure(code: str, subject: str, seen: str, expected: str = "", remedy: str = "") -> Problem:
    """An error that is about no place in a file."""
    return Problem(code, "error", None, None, None, subject, seen, expected, remedy)


def problem_lines(problems: Sequence[Problem]) -> list[str]:
    """The problems as lines for stderr."""
    return [("warning: " if p.severity == "warning" else "") + escape(str(p), 4000) for p in problems]

"""What a loop tells of a promotion that it tried: once a cause, however often it tries again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from reconciler.cli.envelope import Report
from reconciler.cli.exits import FAILED, REFUSED
from reconciler.gate_result import GateResult, may_pass, retry_at
from reconciler.render_gates import describe_gate
from specs.problem import Problem

Result = Literal["written", "nothing", "refused", "failed"]
_MOST = 20


@dataclass(frozen=True, slots=True)
class PromotionNews:
    """``cause`` is the same for as long as nothing new is to be told; ``reasons`` are sentences.
    ``retry_at``: when time alone lets it pass, in seconds since 1970."""

    result: Result
    cause: str = ""
    reasons: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    commit: str | None = None
    branch: str | None = None
    retry_at: float | None = None


def news_of(report: Report, gates: Sequence[GateResult]) -> PromotionNews:
    """Of a promotion that came to an end. ``gates``: what they said last."""
    services = _services(report)
    result, branch = report.members.get("result"), report.members.get("branch")
    if result == "nothing":
        return PromotionNews("nothing")
    if result == "written":
        place = str(branch) if branch else None
        return PromotionNews("written", f"written {report.commit}", (), services, report.commit, place)
    problems = [problem for problem in report.problems if problem.severity == "error"]
    held = [gate for gate in gates if gate.passed is not True]
    if held and not problems:
        cause = [f"{gate.name} {gate.service_name} {gate.passed}" for gate in held]
        reasons = tuple(describe_gate(gate) for gate in held)
        at = retry_at(gates) if may_pass(gates) is not True else None
        return PromotionNews("refused", f"{services} {cause}", reasons, services, retry_at=at)
    failed: Result = "refused" if report.exit == REFUSED and not _is_unwritten(problems) else "failed"
    return _of_problems(failed if report.exit != FAILED else "failed", problems, services)


def news_of_problems(problems: Sequence[Problem], *, is_final: bool) -> PromotionNews:
    """Of one that ended before that. ``is_final``: it is refused; else it may go well the next time."""
    return _of_problems("refused" if is_final else "failed", problems, ())


def _is_unwritten(problems: Sequence[Problem]) -> bool:
    """The remote refused the push, which nobody here has decided."""
    return any(problem.code == "CLI057" for problem in problems)


def _of_problems(result: Result, problems: Sequence[Problem], services: tuple[str, ...]) -> PromotionNews:
    cause = sorted({f"{problem.code} {problem.subject}" for problem in problems})
    reasons = tuple(str(problem) for problem in problems)[:_MOST]
    return PromotionNews(result, f"{services} {cause}", reasons, services)


def _services(report: Report) -> tuple[str, ...]:
    listed = report.members.get("services")
    rows = listed if isinstance(listed, list) else []
    return tuple(str(row.get("service")) for row in rows if isinstance(row, dict))

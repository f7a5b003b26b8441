"""What became of a commit, in words short enough for a forge: one verdict a service and one over all. Pure.

Judged by the instances that run, never by what an action answered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from reconciler.decision import Block, Plan
from reconciler.flapping import heals_of, is_unstable
from reconciler.keeper_report import Rest
from reconciler.render import count, escape, short_commit
from reconciler.status import ServiceStatus, assess_status
from specs.problem import Problem

Standing = Literal["pending", "success", "failure", "error", "superseded"]
MANY: Final = 50
"""Services beyond which only those are told one by one that a commit touched or that are not well."""
_LONGEST: Final = 140


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one service (or, without a name, the environment) stands, and why."""

    service_name: str
    standing: Standing
    words: str


def rest_verdicts(rest: Rest, touched: frozenset[str]) -> list[Verdict]:
    """All of them, the environment's first. ``touched``: the services that this commit did something to."""
    observed = rest.observed
    statuses = assess_status(rest.desired, observed, rest.plan, observed.at, _contested(rest))
    found = [_of_service(status) for status in statuses]
    many = len(found) > MANY
    kept = [v for v in found if not many or v.standing != "success" or v.service_name in touched]
    return [_of_environment(rest, statuses), *kept]


def _contested(rest: Rest) -> Mapping[str, str]:
    """The services that the loop fights for. What the sides are is for status and history: a forge is no
    place for values."""
    healed, now = rest.observed.healed, rest.observed.at
    return {
        name: f"healed {count(heals_of(healed, name, now), 'time')} of late, and somebody else undoes it"
        for name in rest.desired.services
        if is_unstable(healed, name, now)
    }


def refusal_verdict(problems: Sequence[Problem]) -> Verdict:
    """A commit that cannot be used: what ran before runs on."""
    errors = [problem for problem in problems if problem.severity == "error"]
    first = f": {errors[0].seen} [{errors[0].code}]" if errors else ""
    place = f" {errors[0].file}:{errors[0].line}" if errors and errors[0].file and errors[0].line else ""
    return Verdict("", "failure", short(f"refused, {count(len(errors), 'problem')}{place}{first}"))


def unread_verdict(reason: str) -> Verdict:
    """What runs cannot be seen, again and again."""
    return Verdict("", "error", short(f"cannot tell: {reason}"))


def superseded(service_name: str, commit: str) -> Verdict:
    """A newer commit came before an older one had settled."""
    return Verdict(service_name, "superseded", f"superseded by {short_commit(commit)} before it had settled")


def short(words: str, longest: int = _LONGEST) -> str:
    """On one line, without control codes, at most so many characters."""
    line = escape(" ".join(words.split()), 10 * longest)
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def _of_service(status: ServiceStatus) -> Verdict:
    reason = f": {status.reason}" if status.reason else ""
    words = f"{status.state}, {status.ready} of {status.replicas} ready{reason}"
    return Verdict(status.service_name, _STANDINGS[status.state], short(words))


_STANDINGS: Final[Mapping[str, Standing]] = {
    "settled": "success",
    "progressing": "pending",
    "waiting": "pending",
    "suspended": "pending",
    "blocked": "failure",
    "held": "failure",
    "unstable": "failure",
    "unknown": "error",
}


def _of_environment(rest: Rest, statuses: Sequence[ServiceStatus]) -> Verdict:
    if rest.result == "unreadable":
        reasons = "; ".join(u.reason for u in rest.observed.unreadable)
        return unread_verdict(reasons)
    ill = [s for s in statuses if _STANDINGS[s.state] == "failure"]
    if rest.result == "settled" and not ill:
        return Verdict("", "success", f"{count(len(statuses), 'service')} settled")
    if rest.result in ("settled", "waiting"):
        standing: Standing = "failure" if ill else "pending"
        return Verdict("", standing, short(f"{rest.result}{_why(rest.plan, ill)}"))
    return Verdict("", "failure", short(f"{rest.result.replace('_', ' ')}{_why(rest.plan, ill)}"))


def _why(plan: Plan, ill: Sequence[ServiceStatus]) -> str:
    block: Block | None = next((b for b in plan.blocks if b.held), None) or next(iter(plan.blocks), None)
    if block is not None:
        return f": {block.subject.name}: {block.reason} [{block.code}]"
    if ill:
        return f": {ill[0].service_name}: {ill[0].reason or ill[0].state}"
    return f": {plan.waits[0].subject.name}: {plan.waits[0].reason}" if plan.waits else ""

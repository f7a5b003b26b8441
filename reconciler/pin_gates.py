"""Whether a changed pin may be acted on: a pin is a claim, whoever wrote it (design, section 8). Pure.

The gates are those of the last accepted commit. Going back to what ran here before, and healing, are never
gated.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from reconciler.gate_order import FETCH, Hotfix, hotfix_allowed, order_results
from reconciler.gate_result import GateResult, in_order
from reconciler.gates import Approvals, clock_results
from reconciler.render import count, escape, short_commit
from reconciler.repository import Kinship
from specs.promotion import Gates, Promotion
from specs.release import Evidence, ReleasedService


@dataclass(frozen=True, slots=True)
class Ran:
    """A generation that proved itself here: the commit that it was read at, and its digest."""

    commit: str
    digest: str


NOT_ASKED: Final = Approvals(unknown="the forge was not asked for reviews")


@dataclass(frozen=True, slots=True)
class PinFacts:
    """What is known of a changed pin. ``brought_by``: the commit on the tracked line that brought the entry;
    None where the clone does not reach back to it."""

    service_name: str
    source: str
    """The environment that is followed."""
    brought_by: str | None
    signed: Approvals = field(default_factory=Approvals)
    """Who signed the commits that brought it."""
    reviewed: Approvals = NOT_ASKED
    """Who approved its pull request at the forge."""
    is_reachable: bool | None = None
    """Whether the pinned commit lies in the history of the policy ref, or of a tag."""
    kinship: Kinship | None = None
    """How the commit that is followed now is related to the pinned one; None: nothing is followed yet."""
    hotfix: Hotfix = "none"
    """What becomes of the hotfix that is followed now, if it is one."""
    ran: tuple[Ran, ...] = ()
    """What proved itself here."""
    is_job: bool = False

    def approvals(self, gates: Gates) -> Approvals:
        """All that count under these gates; what cannot be told, of those that do."""
        asked = [self.signed] if gates.approvers or not gates.reviewers else []
        asked += [self.reviewed] if gates.reviewers else []
        unknown = dict.fromkeys(approvals.unknown for approvals in asked if approvals.unknown)
        return Approvals(tuple(it for approvals in asked for it in approvals.given), "; ".join(unknown))

    def is_unsure(self, gates: Gates) -> bool:
        """Whether asking again may tell more of who approved."""
        given = self.approvals(gates)
        return bool(gates.approvals and given.unknown)


def judge_pin(
    old: ReleasedService | None, new: ReleasedService, facts: PinFacts, promotion: Promotion, now: float
) -> tuple[GateResult, ...]:
    """Every gate that a changed pin has to pass, sorted; none where it says what the old one says.
    ``promotion`` as the last accepted commit has it."""
    if old is not None and says_the_same(old, new):
        return ()
    results = [_reachable(new, facts)]
    if not goes_back(new, facts.ran):
        results += _forward(old, new, facts, promotion, now)
        results += clock_results(promotion.gates, now)
    return in_order(results)


def judge_removal(facts: PinFacts, promotion: Promotion, now: float) -> tuple[GateResult, ...]:
    """Every gate that an entry has to pass which takes a service away, sorted: who may do that, and when.
    ``promotion`` as the last accepted commit has it."""
    results = [*clock_results(promotion.gates, now), *_approved(facts, promotion.gates)]
    return in_order(results)


def says_the_same(old: ReleasedService, new: ReleasedService) -> bool:
    """Whether two entries pin the same documents and bytes."""
    return (old.commit, old.path, old.images) == (new.commit, new.path, new.images)


def goes_back(new: ReleasedService, ran: Iterable[Ran]) -> bool:
    """Whether the entry names exactly what proved itself here before."""
    digests = {image.digest for image in new.images.values()}
    return any(it.commit == new.commit and digests == {it.digest} for it in ran)


def _forward(
    old: ReleasedService | None, new: ReleasedService, facts: PinFacts, promotion: Promotion, now: float
) -> Iterator[GateResult]:
    name = facts.service_name
    if new.evidence.hotfix is not None:
        yield hotfix_allowed(promotion, name)
    is_dropped = old is not None and new.evidence.drops == old.commit
    yield from order_results(name, facts.kinship, facts.hotfix, is_dropped=is_dropped)
    yield _evidence(new.evidence, facts, promotion.gates, now)
    yield from _approved(facts, promotion.gates)


def _approved(facts: PinFacts, gates: Gates) -> Iterator[GateResult]:
    if gates.approvals:
        yield judge_approvals(gates, facts.approvals(gates), facts.service_name, facts.brought_by)


def _evidence(evidence: Evidence, facts: PinFacts, gates: Gates, now: float) -> GateResult:
    """Whether an entry says of itself what the gates ask for. It is a claim: what it says is not proved by
    that, but an entry that does not even say it was written by no promotion under these gates."""
    name, expected = "evidence", "what the gates ask for"
    lacking = _lacking(evidence, facts, gates)
    if lacking:
        seen, remedy = f"its evidence lacks {', '.join(lacking)}", "promote it again: reconciler promote"
        return GateResult(name, facts.service_name, False, seen, expected, remedy=remedy)
    since = _healthy_since(evidence) if _must_soak(evidence, facts, gates) else None
    if since is not None and since + gates.soak > now:
        seen = "by its own evidence it is healthy for less than the gates ask for"
        return GateResult(name, facts.service_name, False, seen, expected, since + gates.soak)
    return GateResult(name, facts.service_name, True, "it says what the gates ask for", expected)


def _lacking(evidence: Evidence, facts: PinFacts, gates: Gates) -> list[str]:
    asked = [check.name for check in gates.checks if check.service in (None, facts.service_name)]
    lacking = [f"check {name}" for name in asked if name not in evidence.checks]
    if evidence.hotfix is None and evidence.from_ != facts.source:
        lacking.append(f"from: {facts.source}")
    if _must_soak(evidence, facts, gates) and _healthy_since(evidence) is None:
        lacking.append("healthy_since")
    return lacking


def _must_soak(evidence: Evidence, facts: PinFacts, gates: Gates) -> bool:
    return bool(gates.soak) and evidence.hotfix is None and not facts.is_job


def _healthy_since(evidence: Evidence) -> float | None:
    try:
        return datetime.fromisoformat(evidence.healthy_since or "").timestamp()
    except (ValueError, OverflowError):
        return None


def _reachable(new: ReleasedService, facts: PinFacts) -> GateResult:
    commit = short_commit(new.commit)
    expected = "a commit in the history of the policy ref, or of a tag"
    if facts.is_reachable is None:
        seen = f"{commit} is not in this clone, which is cut off"
        return GateResult("reachable", facts.service_name, None, seen, expected, remedy=FETCH)
    seen = f"{commit} is{'' if facts.is_reachable else ' not'} in that history"
    remedy = "" if facts.is_reachable else "merge or tag the commit, or promote another"
    return GateResult("reachable", facts.service_name, facts.is_reachable, seen, expected, remedy=remedy)


def judge_approvals(
    gates: Gates, approvals: Approvals, service_name: str | None, brought_by: str | None
) -> GateResult:
    """Whether enough have approved. Signatures and reviews are counted apart, and the larger number counts:
    one person who does both is one."""
    counted = {
        "signature": _distinct(approvals, "signature", gates.approvers),
        "review": _distinct(approvals, "review", gates.reviewers) if gates.reviewers else [],
    }
    most = max(counted.values(), key=len)
    who = f" by {', '.join(escape(name, 100) for name in most)}" if most else ""
    where = short_commit(brought_by) if brought_by else "the pin"
    seen = f"{count(len(most), 'approval')} of {where}{who}"
    passed: bool | None = len(most) >= gates.approvals
    if not passed and approvals.unknown:
        passed, seen = None, f"{seen}; {approvals.unknown}"
    expected = f"{gates.approvals} of {_listed(gates)}"
    return GateResult("approvals", service_name, passed, seen, expected, remedy="" if passed else _how(gates))


def _distinct(approvals: Approvals, how: str, listed: tuple[str, ...]) -> list[str]:
    wanted = {name.casefold() for name in listed}
    given = {it.who.casefold(): it.who for it in approvals.given if it.how == how}
    return sorted(who for key, who in given.items() if not wanted or key in wanted)


def _listed(gates: Gates) -> str:
    names = [*gates.approvers, *gates.reviewers]
    return (
        ", ".join(names[:5]) + (" and others" if len(names) > 5 else "")
        if names
        else "those whose keys count"
    )


def _how(gates: Gates) -> str:
    ways = ["sign the commit that brings the pin"] if gates.approvers or not gates.reviewers else []
    ways += ["approve its pull request"] if gates.reviewers else []
    return ", or ".join(ways)

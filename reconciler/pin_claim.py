"""A pin that was changed is a claim, whoever wrote it: it is judged again before it is first acted on. Pure.

What runs already, what proved itself here before, and healing are never held up by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconciler.gate_result import GateResult
from reconciler.pin_gates import PinFacts, Ran, judge_pin, judge_removal
from reconciler.release import Release
from specs.promotion import Promotion
from specs.release import ReleasedService

GATE = "gate"
"""What a Wait expects that a gate holds up."""


@dataclass(frozen=True, slots=True)
class PinClaim:
    """The entry before and after the change, what git knows of it, and the rules before it: a commit that
    takes a gate away and brings a pin is judged by the gate."""

    old: ReleasedService | None
    new: ReleasedService
    facts: PinFacts
    promotion: Promotion

    @property
    def is_unsure(self) -> bool:
        """Asking again may tell more."""
        return self.facts.is_unsure(self.promotion.gates)


@dataclass(frozen=True, slots=True)
class RemovalClaim:
    """An entry that takes a service away: what git knows of it, and the rules before it."""

    facts: PinFacts
    promotion: Promotion

    @property
    def is_unsure(self) -> bool:
        """Asking again may tell more."""
        return self.facts.is_unsure(self.promotion.gates)


def holding_removal(claim: RemovalClaim, now: float) -> tuple[GateResult, ...]:
    """The gates that hold it up: failed, or not to be told."""
    results = judge_removal(claim.facts, claim.promotion, now)
    return tuple(result for result in results if result.passed is not True)


def holding_gates(claim: PinClaim, releases: Sequence[Release], now: float) -> tuple[GateResult, ...]:
    """The gates that hold it up: failed, or not to be told."""
    ran = tuple(Ran(release.pin or release.commit, release.generation.digest) for release in releases)
    results = judge_pin(claim.old, claim.new, replace(claim.facts, ran=ran), claim.promotion, now)
    return tuple(result for result in results if result.passed is not True)

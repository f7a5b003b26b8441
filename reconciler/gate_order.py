"""Whether what is promoted contains what is pinned: never older, and no hotfix lost but by name. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from reconciler.gate_result import GateResult
from reconciler.repository import Kinship
from specs.promotion import Promotion

Hotfix = Literal["none", "kept", "lost", "cannot_tell"]
"""What becomes of a hotfix where something else is pinned: there is none; it is contained (as ancestor, as
patch, or as the same inputs and form); it is lost; cannot tell."""
FETCH: Final = "git fetch --unshallow, or fetch what is missing"


def hotfix_allowed(promotion: Promotion, service_name: str) -> GateResult:
    """Whether a service may go past the environment that is followed."""
    passed = promotion.hotfix == "allow"
    remedy = "" if passed else "promote it the usual way, or write promotion.hotfix: allow on the policy ref"
    return GateResult(
        "hotfix", service_name, passed, "it is a hotfix", "promotion.hotfix: allow", remedy=remedy
    )


def order_results(
    service_name: str, kinship: Kinship | None, hotfix: Hotfix, *, is_dropped: bool
) -> Iterator[GateResult]:
    """Whether the commit contains the one that is pinned now. A hotfix may be contained otherwise, or be
    given up by name."""
    if kinship is not None:
        is_excused = hotfix == "kept" or (hotfix != "none" and is_dropped)
        yield _not_older(service_name, kinship, is_excused)
    if hotfix in ("lost", "cannot_tell") and not is_dropped:
        yield _hotfix_lost(service_name, hotfix)


def _not_older(service_name: str, kinship: Kinship, is_excused: bool) -> GateResult:
    name, expected = "not-older", "a commit that contains the one that is pinned now"
    if kinship in (Kinship.SAME, Kinship.ANCESTOR):
        return GateResult(name, service_name, True, "it contains what is pinned now", expected)
    if is_excused:
        return GateResult(
            name, service_name, True, "it stands beside the hotfix that is pinned now", expected
        )
    if kinship is Kinship.CANNOT_TELL:
        seen = "this clone cannot tell which of the two commits is older"
        return GateResult(name, service_name, None, seen, expected, remedy=FETCH)
    is_older = kinship is Kinship.DESCENDANT
    seen = "it is older than what is pinned now" if is_older else "it does not contain what is pinned now"
    remedy = "to go back on purpose: reconciler rollback"
    return GateResult(name, service_name, False, seen, expected, remedy=remedy)


def _hotfix_lost(service_name: str, hotfix: Hotfix) -> GateResult:
    expected = "the hotfix that is pinned now, as ancestor, as patch, or as the same inputs and form"
    if hotfix == "cannot_tell":
        seen = "whether it contains the hotfix that is pinned now cannot be told"
        return GateResult("hotfix", service_name, None, seen, expected, remedy=FETCH)
    seen, remedy = "the hotfix that is pinned now would be lost", "merge it; or give it up: --drop-hotfix"
    return GateResult("hotfix", service_name, False, seen, expected, remedy=remedy)

"""Verb ``explain``: what a code means, why it comes up and what to do; without a code the whole page."""

from __future__ import annotations

from reconciler.cli.envelope import Report, Stop, failure
from reconciler.cli.error_pages import Explanation, explanations, page
from reconciler.cli.exits import DONE, ERROR
from reconciler.cli.options import Options
from reconciler.desired import Json
from specs.suggest import did_you_mean


def run(options: Options) -> Report:
    """Explain one code, or all. Raises Stop where there is no such code."""
    found = explanations()
    if not options.code:
        codes: list[Json] = [_json(explanation) for explanation in found.values()]
        return Report(DONE, page(), {"codes": codes}, mode="offline")
    code = options.code.strip("[]").upper()
    if code not in found:
        remedy = did_you_mean(code, found) or "reconciler explain lists all"
        raise Stop(ERROR, (failure("CLI020", "explain", "there is no such code", remedy=remedy),))
    return Report(DONE, found[code].text(), {"codes": [_json(found[code])]}, mode="offline")


def _json(explanation: Explanation) -> dict[str, Json]:
    return {
        "code": explanation.code,
        "meaning": explanation.meaning,
        "cause": explanation.cause,
        "example": explanation.example or None,
        "remedy": explanation.remedy,
    }

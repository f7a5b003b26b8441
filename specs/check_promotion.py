"""Checks of how an environment promotes: whether it takes anything, and whether its gates can be met."""

from __future__ import annotations

from specs.environment import Environment
from specs.problem import Report
from specs.promotion import Gates
from specs.spec_set import SpecSet, Written
from specs.suggest import did_you_mean, shown


def check_promotion(written: Written, environment: Environment, spec_set: SpecSet, report: Report) -> None:
    """Only what follows another is promoted to, and only services that there are can be checked."""
    if environment.follows is None:
        if "promotion" in written.spec.entries:
            place = written.spec.place_of("promotion")
            seen = "promotion, in an environment that follows no other"
            report.add(
                "SPEC015", place, seen, remedy="write follows: the environment that proves; or remove it"
            )
        return
    _check_services(written, environment.promotion.gates, spec_set, report)


def _check_services(written: Written, gates: Gates, spec_set: SpecSet, report: Report) -> None:
    services = spec_set.of_kind("Service")
    for index, check in enumerate(gates.checks):
        if check.service is not None and check.service not in services:
            place = written.place_of("promotion", "gates", "checks", index, "service")
            seen = f"Service {shown(check.service)} is not declared"
            report.add("SPEC023", place, seen, remedy=did_you_mean(check.service, services))

"""What drift rules say: a field that is compared, a reason, and an end that can be read."""

from __future__ import annotations

from specs.catalog import Catalog
from specs.drift_paths import is_known, nearest_path
from specs.problem import Report
from specs.service import Ignored
from specs.suggest import shown


def check_drift_rules(catalog: Catalog, report: Report) -> None:
    """The rules of all services. A misspelt one would leave nothing alone, and nobody would be told."""
    for name, service in catalog.services.items():
        own = report.about(f"Service {name}")
        for number, rule in enumerate(service.drift.ignore):
            _check_rule(name, number, rule, catalog, own)


def _check_rule(name: str, number: int, rule: Ignored, catalog: Catalog, report: Report) -> None:
    place = ("drift", "ignore", number)
    if not is_known(rule.path):
        hint = nearest_path(rule.path)
        seen = f"{shown(rule.path)} is no field that is compared with the live container"
        remedy = f'did you mean "{hint}"?' if hint else "docs/drift.md names the fields; * is one whole part"
        report.add("SPEC012", catalog.place("Service", name, *place, "path"), seen, remedy=remedy)
    if not rule.reason.strip():
        at = catalog.place("Service", name, *place, "reason")
        report.add("SPEC015", at, "an empty reason", expected="why it is left alone")
    if rule.until is not None and rule.ends_at is None:
        at = catalog.place("Service", name, *place, "until")
        expected = 'a day such as "2026-12-31", or a time such as "2026-12-31T12:00:00Z"'
        report.add("SPEC015", at, "until is neither a day nor a time", expected=expected)

"""Drift rules of a service: which live differences are left alone, and until when. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from reconciler.desired import DesiredService
from reconciler.difference import Diff
from specs.drift_paths import covers
from specs.problem import Problem
from specs.service import Ignored


class Sifted(NamedTuple):
    """Differences by whether they count; what does not, with its rule."""

    counted: tuple[Diff, ...]
    ignored: tuple[tuple[Diff, Ignored], ...]


def sift(diffs: Iterable[Diff], service: DesiredService, now: float) -> Sifted:
    """Tell the live differences that a rule of the service leaves alone from all others. What comes of a
    commit is never left alone. ``now`` is in seconds on the runtime's clock."""
    rules = [rule for rule in service.form.spec.drift.ignore if not has_ended(rule, now)]
    counted: list[Diff] = []
    ignored: list[tuple[Diff, Ignored]] = []
    for diff in diffs:
        rule = next((r for r in rules if covers(r.path, diff.path)), None) if diff.origin == "live" else None
        if rule is None:
            counted.append(diff)
        else:
            ignored.append((diff, rule))
    return Sifted(tuple(counted), tuple(ignored))


def has_ended(rule: Ignored, now: float) -> bool:
    """Whether its differences count again; those of a rule whose end cannot be read always do."""
    return rule.until is not None and (rule.ends_at is None or rule.ends_at <= now)


def ended_rules(services: Mapping[str, DesiredService], now: float) -> tuple[Problem, ...]:
    """A warning for each rule that has ended."""
    return tuple(
        Problem(
            "PLAN060",
            "warning",
            None,
            None,
            None,
            f"Service {name}",
            f"the drift rule for {rule.path} ended with {rule.until}: what it left alone counts again",
            "",
            "remove it, or give it another end",
        )
        for name, service in sorted(services.items())
        for rule in service.form.spec.drift.ignore
        if has_ended(rule, now)
    )

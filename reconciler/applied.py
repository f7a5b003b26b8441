"""Marker ``applied``: the commit that the last ``apply`` asked for, where loops wait for one. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.observed import Marker
from reconciler.strict_json import read_number, read_object
from reconciler.view import newest_markers

KIND = "applied"


@dataclass(frozen=True, slots=True)
class Applied:
    """Which commit was asked for, by whom, and when on the runtime's clock."""

    commit: str
    by: str
    at: float
    sequence: int


def read_applied(markers: Iterable[Marker]) -> Applied | None:
    """The newest that can be understood; None where there is none."""
    marker = newest_markers(markers).get((KIND, ""))
    if marker is None:
        return None
    try:
        value = read_object(marker.value)
        commit = str(value["commit"])
        is_id = len(commit) >= 40 and all(c in "0123456789abcdef" for c in commit)
        found = Applied(commit, str(value.get("by") or ""), read_number(value["at"]), marker.sequence)
        return found if is_id else None
    except (ValueError, KeyError):
        return None


def write_applied(commit: str, by: str, at: float, markers: Iterable[Marker]) -> Marker:
    """The marker that says so, after those that are there."""
    earlier = newest_markers(markers).get((KIND, ""))
    value = json.dumps({"commit": commit, "by": by, "at": at}, sort_keys=True)
    return Marker(KIND, "", earlier.sequence + 1 if earlier else 1, value)

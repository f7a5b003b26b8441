"""Which paths a drift rule may name: every field that the drift table shows, and no other."""

from __future__ import annotations

import pytest

from drift_table import ROWS
from specs.drift_paths import FIELDS, GROUPS, covers, is_known, nearest_path
from specs.fingerprint import COMPARED


def test_every_field_whose_change_is_told_can_be_ignored() -> None:
    unknown = [row.path for row in ROWS.values() if row.path and not is_known(row.path)]
    assert unknown == []


def test_the_list_is_what_is_compared() -> None:
    heads = {path.partition(".")[0] for path in (*FIELDS, *GROUPS)}
    assert heads == COMPARED - {"secrets"}, "a secret's value is never read back"


@pytest.mark.parametrize("path", ["image", "secrets./run/x", "rollout.order", "*", "", "a..b", "labels."])
def test_what_is_never_compared_cannot_be_ignored(path: str) -> None:
    assert not is_known(path)


@pytest.mark.parametrize(
    ("rule", "path", "expected"),
    [
        ("labels", "labels.org.example.team", True),
        ("labels.*", "labels.org.example.team", True),
        ("labels.org", "labels.organisation", False),
        ("deploy.resources.*.memory", "deploy.resources.limits.memory", True),
        ("deploy.resources.*.memory", "deploy.resources.limits.cpus", False),
        ("restart", "restart", True),
        ("restart", "restarts", False),
        ("healthcheck.test", "healthcheck", False),
    ],
)
def test_what_a_rule_covers(rule: str, path: str, expected: bool) -> None:
    assert covers(rule, path) is expected


def test_the_nearest_field_is_named() -> None:
    assert nearest_path("deploy.resources.limits.memroy") == "deploy.resources.limits.memory"
    assert nearest_path("enviroment.LEVEL") == "environment"
    assert nearest_path("zzz") is None

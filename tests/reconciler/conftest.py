"""A shop in a git repository and in memory, for tests of the verbs."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli_world import FILES, CliWorld, make_world
from reconciler.cli.apply import report_apply


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliWorld:
    """Nothing runs yet."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return make_world(tmp_path / "repository", FILES)


@pytest.fixture
def settled(shop: CliWorld) -> CliWorld:
    """The first commit is applied."""
    report = shop.run(report_apply)
    assert (report.exit, report.members["result"]) == (0, "settled"), report.text
    return shop

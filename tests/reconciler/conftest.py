"""A shop in a git repository and in memory, for tests of the verbs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from cli_world import FILES, CliWorld, make_world
from reconciler.cli.apply import report_apply
from virtual_time import HastyLoop

HASTY = ("test_keeper.py", "test_loop.py")
"""Modules whose tests wait for pauses of ours, beside an engine in memory with a clock of its own."""


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """In what loop an asynchronous test runs."""
    return {"loop": HastyLoop if item.path.name in HASTY else asyncio.new_event_loop}


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

"""A corpus of Compose projects: what `init` makes of each, and that what it makes never drifts by itself."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from compose_reference import CORPUS, corpus_names
from corpus import convert, give_secrets, written
from corpus_world import open_world

OUTCOMES = CORPUS.parent / "outcomes.yaml"
TABLE = yaml.safe_load(OUTCOMES.read_text())
PASSES = 25
RUNNING = [name for name, row in TABLE["projects"].items() if row["outcome"] != "refused"]
_CANARY = re.compile(r"\S*canary-\S*|\S*-canary\S*|\S*staple\S*|\S*correct-horse\S*")


@pytest.fixture(autouse=True)
def _without_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere")


def test_the_table_names_every_project_and_counts_them() -> None:
    rows = TABLE["projects"]
    assert sorted(rows) == corpus_names()
    counts = Counter(row["outcome"] for row in rows.values())
    print(dict(counts))
    assert dict(counts) == TABLE["counts"]
    assert len(rows) >= 40
    assert len(RUNNING) * PASSES >= 1000


@pytest.mark.parametrize("name", corpus_names())
def test_a_project_becomes_what_the_table_says(name: str, tmp_path: Path) -> None:
    converted = convert(name, tmp_path)
    assert converted.row() == TABLE["projects"][name], converted.reasons
    assert not _CANARY.findall(written(converted)), "a password is in what was written or printed"


@pytest.mark.parametrize("name", RUNNING)
def test_a_converted_project_settles_and_never_drifts(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "secrets"))
    converted = convert(name, tmp_path)
    give_secrets(converted, tmp_path / "secrets")
    world = open_world(converted.root)

    async def live() -> list[str]:
        plan = await world.settle()
        assert not plan.blocks
        return await world.count_differences(PASSES)

    assert asyncio.run(live()) == []

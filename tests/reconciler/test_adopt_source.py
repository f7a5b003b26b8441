"""``adopt ENV`` beside a loop that holds: what it accepts, the loop goes on with."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from cli_world import CliWorld
from git_repository import WrittenRepository
from providers.memory import MemoryEngine
from reconciler.cli.adopt import report_adopt
from reconciler.cli.envelope import Report
from watched_repository import SERVICE, Told, environment, written

TEXT = environment("dev") + SERVICE


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def look(told: Told) -> None:
    asyncio.run(told.watch.look())


def adopt(told: Told, confirm: str | None = None) -> Report:
    world = CliWorld(told.repository, told.engine)
    return world.run(report_adopt, "adopt", confirm=confirm)


def test_a_rewritten_branch_is_accepted_by_a_person(tmp_path: Path) -> None:
    repository, first = written(tmp_path, TEXT)
    second = repository.commit({"note": "two\n"})
    told = Told(repository)
    look(told)
    assert "nothing of Compose" in adopt(told).text, "nothing is to be handed over"
    repository.git("reset", "-q", "--hard", first)
    moved = repository.commit({"other": "history\n"})
    look(told)
    asked = adopt(told)
    assert (asked.exit, asked.members["lost"], asked.members["others"]) == (4, [second], [])
    assert f"it does not contain {second[:12]}, which was accepted" in asked.text
    assert adopt(told, "00000000").exit == 4, "another id accepts nothing"
    look(told)
    assert told.offered == [("dev", second)]
    assert adopt(told, str(asked.members["confirm"])).members["result"] == "accepted"
    look(told)
    assert told.offered[-1] == ("dev", moved)
    assert adopt(told, str(asked.members["confirm"])).exit == 0, "nothing is left to be handed over"


def test_going_back_for_good_says_so(tmp_path: Path) -> None:
    repository, first = written(tmp_path, TEXT)
    second = repository.commit({"note": "two\n"})
    told = Told(repository)
    look(told)
    repository.git("reset", "-q", "--hard", first)
    asked = adopt(told)
    assert f"it comes before {second[:12]}" in asked.text
    adopt(told, str(asked.members["confirm"]))
    look(told)
    assert told.offered[-1] == ("dev", first)


def test_another_repository_in_the_place_of_the_first_is_accepted_too(tmp_path: Path) -> None:
    repository, first = written(tmp_path, TEXT)
    told = Told(repository)
    look(told)
    shutil.rmtree(repository.path)
    commit = WrittenRepository(repository.path).commit({"specs/all.yaml": TEXT, "another": "root\n"})
    look(told)
    assert told.offered == [("dev", first)]
    asked = adopt(told)
    assert "which may act here no more" in asked.text
    adopt(told, str(asked.members["confirm"]))
    look(told)
    assert told.offered[-1] == ("dev", commit)


def test_another_engine_is_accepted_by_the_id_that_the_loop_shows(tmp_path: Path) -> None:
    repository, _ = written(tmp_path, TEXT)
    told = Told(repository)
    look(told)
    told.engine = MemoryEngine("another")
    told.begin()
    second = repository.commit({"note": "two\n"})
    look(told)
    remedy = told.refusals[-1].problems[0].remedy
    identity = remedy.rpartition("--confirm=")[2]
    assert told.faults == [("dev", "POL040")]
    assert adopt(told).members.get("result") is None
    assert adopt(told, identity).members["result"] == "accepted"
    look(told)
    assert told.offered[-1] == ("dev", second)

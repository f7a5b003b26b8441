"""``rollback`` beside a loop: the commit reaches it by itself, or it keeps what a marker says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from cli_world import CliWorld, live_name
from git_repository import WrittenRepository
from living_loop import Living, beside
from reconciler.cli.envelope import Report
from reconciler.cli.rollback import report_rollback
from reconciler.cli.workspace import open_workspace


@pytest.fixture(autouse=True)
def _person(monkeypatch: pytest.MonkeyPatch) -> None:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ann")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ann@example.com")


def running(world: CliWorld) -> list[str]:
    """The fingerprints of what runs of web."""
    found = [
        c for c in world.engine.ground.containers.values() if c.labels.get("reconciler.service") == "web"
    ]
    return [c.labels["reconciler.fingerprint"] for c in found if not c.name.endswith(("_kept", "_held"))]


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.02)


async def second_version(it: Living) -> list[str]:
    """Let the loop deploy it; what ran before."""
    before = running(it.world)
    it.offer()
    await it.keeper.rested.wait()
    it.world.repository.commit({"web/app": "two\n", "page.txt": "bye\n"})
    it.offer()
    await until(lambda: running(it.world) not in (before, []) and len(running(it.world)) == 1)
    await it.keeper.rested.wait()
    return before


async def roll_back(it: Living, **words: object) -> Report:
    workspace = open_workspace(it.world.options("rollback", **words))

    def show(text: str) -> None:
        if text.startswith("written:"):
            it.offer()  # as a webhook, or the next poll, brings the commit

    return await report_rollback(workspace, it.world.clients(workspace), it.world.clients, show)


def test_the_loop_goes_back_and_the_command_looks_on(settled: CliWorld) -> None:
    async def work(it: Living) -> None:
        before = await second_version(it)
        report = await roll_back(it)
        assert (report.exit, report.members["result"]) == (0, "written"), report.text
        applied = report.members["applied"]
        assert isinstance(applied, dict)
        assert (applied["result"], applied["followed"]) == ("settled", it.keeper.holder)
        assert running(it.world) == before

    beside(settled, work)


def test_a_loop_keeps_what_the_marker_says_until_git_says_something_else(
    settled: CliWorld, tmp_path: Path
) -> None:
    bare = WrittenRepository(tmp_path / "remote.git", "--bare")
    hook = bare.path / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)

    async def work(it: Living) -> None:
        before = await second_version(it)
        settled.repository.git("remote", "add", "origin", str(bare.path))
        settled.repository.git("push", "-q", "origin", "main")
        hook.write_text("#!/bin/sh\nexit 1\n")
        hook.chmod(0o755)
        report = await roll_back(it)
        assert (report.exit, report.members["result"]) == (4, "refused"), report.text
        assert running(it.world) == before
        # It acts again, at the commit that says otherwise, and mends what was gone back to.
        settled.engine.hand.remove(live_name(settled, "web"))
        it.keeper.hint()
        await until(lambda: running(it.world) != [])
        assert running(it.world) == before
        settled.repository.commit({"page.txt": "third\n"})
        it.offer()
        await until(lambda: running(it.world) not in (before, []))

    beside(settled, work)

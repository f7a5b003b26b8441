"""The loop as a process: killed, doubled, behind, without an engine, without its memory, on a full disk."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e import QUICK, Site
from e2e_door import Act, Door
from ground import RunningEngine
from running_loop import RunningLoop, settled, until, variable

pytestmark = pytest.mark.engine

_MOMENTS: tuple[tuple[str, Act], ...] = (
    (r"POST /containers/create\?name=.*_web_", "before"),
    (r"POST /containers/[^/]+/start", "after"),
    (r"POST /containers/[^/]+/rename", "after"),
    (r"POST /containers/[^/]+/stop", "after"),
    (r"DELETE /containers/", "after"),
)
"""Calls at which the loop is killed: create, start, retire (twice), remove."""


@pytest.fixture(name="site")
def _site(newest_engine: RunningEngine, registry_host: str) -> Iterator[Site]:
    with Site(newest_engine, registry_host) as site:
        yield site


@pytest.fixture(name="door")
def _door(site: Site, tmp_path: Path) -> Iterator[Door]:
    with Door(tmp_path / "door.sock", site.engine.socket) as door:
        yield door


def declare(site: Site, version: int) -> str:
    quick = {**QUICK, "monitor": "100ms"}
    site.service("web", environment={"VERSION": str(version)}, rollout=quick)
    return site.commit()


def check(site: Site, commit: str) -> None:
    """Settled on this commit: one live, one kept where there was another, nothing half made."""
    until(lambda: settled(site) == commit)
    roles = [name.rpartition("_")[2] for name in site.containers() if name not in site.live()]
    assert roles in (["kept"], []), site.containers().keys()
    assert commit in site.containers("web")[site.one("web")]["Config"]["Labels"]["reconciler.commit"]


def test_a_loop_that_is_killed_at_a_call_is_gone_on_with_by_the_next(site: Site, door: Door) -> None:
    commit = declare(site, 1)
    with RunningLoop(site, "one", door.endpoint) as loop:
        check(site, commit)
        for number, (call, act) in enumerate(_MOMENTS, start=2):
            rule = door.rule(call, act)
            commit = declare(site, number)
            assert rule.reached.wait(30), call
            loop.kill()
            door.rules.clear()
            loop.begin()
            check(site, commit)
        loop.stop()


def test_of_two_loops_one_acts_and_the_other_takes_over(site: Site, door: Door) -> None:
    direct = f"unix://{site.engine.socket}"
    first = declare(site, 1)
    older = site.folder / "older"
    subprocess.run(["git", "clone", "-q", str(site.repository.path), str(older)], check=True)
    held = door.rule(r"POST /containers/create", "before")
    with RunningLoop(site, "one", door.endpoint) as one:
        assert held.reached.wait(30)
        with RunningLoop(site, "other", direct) as other:
            until((other.state / "reconciler").exists)
            assert site.containers("web") == {}, "the other one waits for the lease"
            one.kill()
            until(lambda: variable(site, "VERSION") == "1", 20.0)
            check(site, declare(site, 2))
            with RunningLoop(site, "older", direct, older) as late:
                # It keeps the commit before: what lives descends from its own, so it yields.
                until((late.state / "reconciler").exists)
                before = site.live("web")
                site.hand("rm", "--force", site.one("web"))
                until(lambda: variable(site, "VERSION") == "2", 20.0)
                assert site.live("web") != before
                labels = site.containers("web")[site.one("web")]["Config"]["Labels"]
                assert labels["reconciler.commit"] != first
                late.stop()
            other.stop()


def test_without_an_engine_or_a_memory_it_waits_and_goes_on(site: Site, door: Door) -> None:
    commit = declare(site, 1)
    with RunningLoop(site, "one", door.endpoint) as loop:
        check(site, commit)

        # the engine is gone, and something happens meanwhile
        door.shut()
        site.hand("rm", "--force", site.one("web"))
        commit = declare(site, 2)
        door.open()
        check(site, commit)

        # it hangs: no call is answered, until it is restarted
        hung = door.rule("", "before")
        site.hand("rm", "--force", site.one("web"))
        assert hung.reached.wait(30)
        door.rules.clear()
        door.shut()
        door.open()
        until(lambda: variable(site, "VERSION") == "2")

        # every marker and every file of ours is swept away while it runs
        live = site.live()
        lose_everything(site, loop)
        commit = declare(site, 3)
        check(site, commit)
        assert site.live().keys().isdisjoint(live)
        loop.stop()

        # and while it is down: what runs is found again, and stays
        live = site.live()
        lose_everything(site, loop)
        loop.begin()
        check(site, commit)
        assert site.live() == live

        # of fifty pushes at once the newest wins, and most are never begun
        for number in range(4, 54):
            commit = declare(site, number)
        check(site, commit)
        assert variable(site, "VERSION") == "53"
        made = len(
            [call for call in door.changes() if "/containers/create?name=" in call and "_web_" in call]
        )
        assert made < 25
        loop.stop()


def lose_everything(site: Site, loop: RunningLoop) -> None:
    for row in site.listed("volumes", site.owner):
        if "_marker_" in row["Name"]:
            site.hand("volume", "rm", "--force", row["Name"])
    shutil.rmtree(loop.state)


def test_on_a_full_disk_it_deploys_and_says_once_what_is_lost(site: Site) -> None:
    commit = declare(site, 1)
    loop = RunningLoop(site, "one", f"unix://{site.engine.socket}")
    loop.state.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(loop.state)], check=True)
    site.hands.append(lambda: subprocess.run(["umount", "--lazy", str(loop.state)], check=False))
    filler = loop.state / "filler"
    try:
        filler.write_bytes(bytes(1 << 20))
    except OSError:
        assert filler.exists()
    with loop:
        check(site, commit)
        check(site, declare(site, 2))
        said = loop.stop()
    assert said.count('"no journal"') == 1, said

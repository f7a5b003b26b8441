"""Private engines go away whole, however they ended, and take nothing else with them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import engines
from engine_process import Engine, find_bridges
from ground import MACHINE, Ground, read_private
from processes import find_pids, mount_points_below

pytestmark = pytest.mark.engine


@pytest.fixture
def state(ground: Ground) -> Iterator[Path]:
    if MACHINE in ground.engines:
        pytest.skip("this machine starts no private engine: it is not Debian, or we are not root on it")
    folder = Path(tempfile.mkdtemp(prefix="recon-", dir="/tmp"))
    yield folder
    engines.stop(folder)


def list_links() -> set[str]:
    return set(os.listdir("/sys/class/net"))


def test_stop_removes_an_engine_whose_processes_were_killed(state: Path) -> None:
    engines.start(state, ["20.10"], with_registry=True)
    engine = read_private(state).engines["20.10"]
    network = engine.cli("network", "create", "left-behind")
    engine.cli(
        "run", "--detach", "--restart", "always", "--network", "left-behind", "busybox", "sleep", "1000"
    )
    links = {*find_bridges(Engine("20.10", state / "20.10"))}
    assert f"br-{network[:12]}" in links
    for pid in find_pids(state, "dockerd", "containerd", "docker-registry"):
        os.kill(pid, signal.SIGKILL)
    engines.stop(state)
    assert not state.exists()
    assert not find_pids(state)
    assert not mount_points_below(state)
    assert not links & list_links()


def test_a_second_start_finds_the_first_one_and_repairs_a_broken_one(state: Path) -> None:
    first = engines.start(state, ["26.1"], with_registry=False)
    assert engines.start(state, ["26.1"], with_registry=False) == first
    for pid in find_pids(state, "dockerd"):
        os.kill(pid, signal.SIGKILL)
    engines.start(state, ["26.1"], with_registry=False)
    assert read_private(state).engines["26.1"].cli("run", "--rm", "busybox", "echo", "repaired") == "repaired"


def test_stop_leaves_a_stranger_that_names_the_folder(state: Path) -> None:
    stranger = subprocess.Popen(
        [shutil.which("tail") or "tail", "-f", "/dev/null", f"{state}/20.10/dockerd.log"]
    )
    try:
        engines.stop(state)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_stop_of_nothing_does_nothing(state: Path) -> None:
    engines.stop(state)
    engines.stop(state)
    assert not state.exists()

"""A command that is forked from the warm server is the one that the installed script is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from git_repository import WrittenRepository
from warm_command import WarmProcess, fork_command, needs_own_start, program

SERVICE = '{"apiVersion": "reconciler/v1", "kind": "%s", "metadata": {"name": "%s"}, "spec": %s}'


def forked(folder: Path, *words: str, **variables: str) -> WarmProcess:
    return fork_command([program()[0], *words], folder, {**os.environ, **variables})


@pytest.fixture(name="repository")
def _repository(tmp_path: Path) -> WrittenRepository:
    found = WrittenRepository(tmp_path / "repository")
    found.write({"specs/dev.yaml": SERVICE % ("Environment", "dev", '{"project": "shop"}')})
    found.write({"specs/web.yaml": SERVICE % ("Service", "web", '{"image": "redis:7", "replicsa": 2}')})
    found.commit({})
    return found


@pytest.mark.parametrize(
    "words",
    [
        ("validate",),
        ("validate", "--json"),
        ("render", "dev"),
        ("--version",),
        ("nonsense",),
        ("explain", "SPEC012"),
    ],
)
def test_it_says_the_same_and_ends_the_same(repository: WrittenRepository, words: tuple[str, ...]) -> None:
    done = subprocess.run(
        [*program(), *words], cwd=repository.path, capture_output=True, text=True, check=False
    )
    process = forked(repository.path, *words)
    out, err = process.communicate(60)
    assert (process.returncode, err) == (done.returncode, done.stderr)
    if "--json" in words:
        said, expected = json.loads(out), json.loads(done.stdout)
        assert {**said, "at": None} == {**expected, "at": None}
    else:
        assert out == done.stdout
    assert out + err


def test_it_has_its_own_variables_files_and_signals_and_dies_alone(tmp_path: Path) -> None:
    """Both hang in a git of their own variables, which lives as long as they do."""
    git, seen = tmp_path / "bin" / "git", tmp_path / "seen"
    git.parent.mkdir()
    git.write_text(f"#!/bin/sh\necho >>{seen}\nwhile kill -0 $PPID; do sleep 0.1; done 2>/dev/null\n")
    git.chmod(0o755)
    path = f"{git.parent}:{os.environ['PATH']}"
    first, second = (forked(tmp_path, "status", "dev", PATH=path) for _ in range(2))
    while not seen.exists() or len(seen.read_text()) < 2:
        assert (first.poll(), second.poll()) == (None, None)
        time.sleep(0.02)
    assert os.readlink(f"/proc/{first.pid}/cwd") == str(tmp_path)
    files = [os.readlink(f"/proc/{first.pid}/fd/{fd}") for fd in (0, 1, 2)]
    assert files[0] == "/dev/null"
    assert files[1] != files[2]
    first.kill()
    first.communicate(60)
    assert first.returncode == -signal.SIGKILL
    assert second.poll() is None
    second.send_signal(signal.SIGINT)
    _, err = second.communicate(60)
    assert (second.returncode, "Traceback" in err) == (130, False)
    second.kill()  # what ended is not asked any more: its number may be another's


def test_what_the_interpreter_reads_when_it_starts_makes_it_start() -> None:
    assert not needs_own_start({**os.environ, "HOME": "/", "DOCKER_HOST": "unix:///x"})
    for name, value in (("PYTHONHASHSEED", "1"), ("LC_ALL", "C"), ("PYTHONUTF8", "1")):
        assert needs_own_start({**os.environ, name: value})

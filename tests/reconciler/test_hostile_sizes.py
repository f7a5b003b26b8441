"""A small commit can hold very large files: they are refused by their size, and never read."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from git_repository import WrittenRepository

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = "apiVersion: reconciler/v1\nkind: Environment\nmetadata: {name: dev}\nspec: {project: shop}\n"
SERVICE = (
    "apiVersion: reconciler/v1\nkind: Service\nmetadata: {name: web}\n"
    "spec: {image: 'redis:7', env_file: a.env}\n"
)
CONFIG = (
    "apiVersion: reconciler/v1\nkind: Config\nmetadata: {name: c}\nspec: {file: specs/big.yaml}\n---\n"
    "apiVersion: reconciler/v1\nkind: Service\nmetadata: {name: web}\n"
    "spec: {image: 'redis:7', configs: [{source: c, target: /c}]}\n"
)
LARGE = 160 << 20


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command in a process with too little memory for the large file."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (480 << 20, 480 << 20))

    return subprocess.run(
        [sys.executable, "-m", "reconciler", *words, "--repo", str(folder)],
        cwd=ROOT,
        env={**os.environ, "XDG_STATE_HOME": str(folder / ".state")},
        capture_output=True,
        text=True,
        preexec_fn=limit,
        check=False,
    )


@pytest.mark.parametrize("place", ["specs/big.yaml", "a.env"])
def test_a_large_file_is_refused_unread(place: str, tmp_path: Path) -> None:
    written = WrittenRepository(tmp_path / "repository")
    written.write({"specs/a.yaml": f"{ENVIRONMENT}---\n{SERVICE}", "a.env": "A=b\n"})
    with (written.path / place).open("wb") as stream:
        stream.truncate(LARGE)
    written.git("-c", "core.bigFileThreshold=1m", "add", "-A")
    written.git("commit", "-q", "-m", "large")
    for words in (["validate"], ["render", "dev"]):
        done = run(written.path, *words)
        assert done.returncode == 1, done.stderr
        assert f"{place}: a file of more than 1024 KiB" in done.stderr.replace(":1:1", ""), done.stderr
        assert "Traceback" not in done.stderr


def test_a_large_file_that_a_config_names_is_content(tmp_path: Path) -> None:
    written = WrittenRepository(tmp_path / "repository")
    written.commit({"specs/a.yaml": f"{ENVIRONMENT}---\n{CONFIG}", "specs/big.yaml": b"\0" * (2 << 20)})
    done = run(written.path, "validate")
    assert done.returncode == 0, done.stderr


def test_more_files_than_anybody_writes_are_refused_soon(tmp_path: Path) -> None:
    written = WrittenRepository(tmp_path / "repository")
    oid = written.git("hash-object", "-w", "--stdin", stdin=b"a: 1\n")
    lines = "".join(f"100644 {oid}\tspecs/f{n}.yaml\n" for n in range(30_000))
    written.git("update-index", "--add", "--index-info", stdin=lines.encode())
    written.git("commit", "-q", "-m", "many")
    done = run(written.path, "render", "dev", "--ref", "HEAD")
    assert done.returncode == 1
    assert "more than 5000 spec files" in done.stderr
    assert len(done.stderr) < 1_000_000

"""Clones that break, remotes that bring too much, and disks that are full."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from git_repository import WrittenRepository
from providers.git.cache import fetch_repository
from reconciler.provider import ProviderError


@pytest.fixture
def written(tmp_path: Path) -> WrittenRepository:
    return WrittenRepository(tmp_path / "source")


def _large(written: WrittenRepository) -> str:
    (written.path / "large").write_bytes(os.urandom(3 << 20))
    written.git("add", ".")
    written.git("commit", "-q", "-m", "large")
    return written.git("rev-parse", "HEAD")


def test_more_than_the_cap_is_not_taken_and_leaves_nothing(
    written: WrittenRepository, tmp_path: Path
) -> None:
    good, cache = written.commit({"a": "1"}), tmp_path / "cache"
    repository = fetch_repository(str(written.path), cache, allow_file=True)
    large = _large(written)
    with pytest.raises(ProviderError) as raised:
        fetch_repository(str(written.path), cache, allow_file=True, most_bytes=1 << 20)
    assert raised.value.code == "GIT015"
    assert list(repository.path.rglob("tmp_*")) == []
    assert repository.resolve("main") == good
    assert fetch_repository(str(written.path), cache, allow_file=True).resolve("main") == large


def _no_repository(folder: Path) -> None:
    (folder / "HEAD").write_text("garbage")


def _no_config(folder: Path) -> None:
    (folder / "config").write_text("[core\n")


def _no_objects(folder: Path) -> None:
    shutil.rmtree(folder / "objects" / "pack")


def _empty_packs(folder: Path) -> None:
    for path in (folder / "objects" / "pack").glob("*.pack"):
        path.chmod(0o644)
        path.write_bytes(b"")


def _empty_ref(folder: Path) -> None:
    (folder / "refs" / "heads" / "main").write_text("")


@pytest.mark.parametrize(
    ("damage", "is_set_aside"),
    [
        (_no_repository, True),
        (_no_config, True),
        (_no_objects, False),  # git itself fetches all of them again
        (_empty_packs, False),
        (_empty_ref, True),
    ],
)
def test_a_broken_clone_is_made_again(
    written: WrittenRepository, tmp_path: Path, damage: Callable[[Path], None], is_set_aside: bool
) -> None:
    written.commit({"a": "1"})
    cache = tmp_path / "cache"
    damage(fetch_repository(str(written.path), cache, allow_file=True).path)
    commit = written.commit({"a": "2"})
    repository = fetch_repository(str(written.path), cache, allow_file=True)
    tree = repository.tree(repository.resolve("main"))
    assert repository.resolve("main") == commit
    assert tree.read(tree.files("."))
    assert sorted(path.suffix for path in cache.iterdir()) == [*([".broken"] * is_set_aside), ".git"]


def test_a_clone_of_an_earlier_process_that_lacks_a_file_is_made_again(
    written: WrittenRepository, tmp_path: Path
) -> None:
    commit, cache = written.commit({"a": "1"}), tmp_path / "cache"
    clone = fetch_repository(str(written.path), cache, allow_file=True)
    (pack,) = clone.path.glob("objects/pack/*.pack")
    content = pack.read_bytes()
    for path in clone.path.glob("objects/pack/*"):
        path.unlink()
    clone.git.read("unpack-objects", "-q", stdin=content)
    blob = clone.git.read("rev-parse", "main:a").text
    (clone.path / "objects" / blob[:2] / blob[2:]).unlink()
    again = fetch_repository(str(written.path), cache, allow_file=True, is_trusted=False)
    assert again.resolve("main") == commit
    assert again.tree(commit).read(again.tree(commit).files("."))
    assert len(list(cache.iterdir())) == 2
    fetch_repository(str(written.path), cache, allow_file=True, is_trusted=False)
    assert len(list(cache.glob("*.broken"))) == 1


def test_a_full_disk_leaves_the_last_good_clone(written: WrittenRepository, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.fail("needs root, for a file system of its own")
    good, disk = written.commit({"a": "1"}), tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)], check=True)
    try:
        fetch_repository(str(written.path), disk / "cache", allow_file=True)
        _large(written)
        with pytest.raises(ProviderError) as raised:
            fetch_repository(str(written.path), disk / "cache", allow_file=True)
        assert raised.value.code == "GIT015"
        (clone,) = (disk / "cache").iterdir()
        assert list(clone.rglob("tmp_*")) == []
        written.git("reset", "-q", "--hard", good)
        assert fetch_repository(str(written.path), disk / "cache", allow_file=True).resolve("main") == good
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)

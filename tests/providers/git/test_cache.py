"""Clones in the cache: complete, checked, updated, and gone when they fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from git_repository import WrittenRepository
from providers.git.cache import fetch_repository
from reconciler.provider import Origin, ProviderError, Refused


def test_a_clone_is_bare_hashed_and_follows_the_remote(tmp_path: Path) -> None:
    written = WrittenRepository(tmp_path / "source")
    first = written.commit({"a": "1"})
    written.git("branch", "gone")
    written.git("tag", "v1")
    written.git("branch", "-m", "main", "trunk")
    cache = tmp_path / "cache"
    repository = fetch_repository(str(written.path), cache, allow_file=True)
    assert [repository.resolve(ref) for ref in ("HEAD", "trunk", "gone", "v1")] == [first] * 4
    assert repository.default_branch() == "trunk"
    assert repository.origin() == Origin(str(written.path), first)
    assert len(list(cache.iterdir())) == 1
    assert len(repository.path.name) == len("0" * 32 + ".git")
    assert not (repository.path / "hooks").exists()

    written.git("branch", "-D", "gone")
    written.git("commit", "-q", "--amend", "--allow-empty", "-m", "rewritten")
    rewritten = written.git("rev-parse", "HEAD")
    again = fetch_repository(str(written.path), cache, allow_file=True)
    assert again.path == repository.path
    assert again.resolve("trunk") == rewritten
    with pytest.raises(ProviderError):
        again.resolve("gone")


def test_a_file_url_is_refused_without_the_argument(tmp_path: Path) -> None:
    with pytest.raises(Refused):
        fetch_repository(str(tmp_path), tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_a_failed_clone_leaves_nothing_and_a_failed_update_leaves_the_last(tmp_path: Path) -> None:
    written = WrittenRepository(tmp_path / "source")
    cache = tmp_path / "cache"
    with pytest.raises(ProviderError):
        fetch_repository(str(tmp_path / "absent"), cache, allow_file=True)
    assert list(cache.iterdir()) == []
    commit = written.commit({"a": "1"})
    repository = fetch_repository(str(written.path), cache, allow_file=True)
    written.path.rename(tmp_path / "moved")
    with pytest.raises(ProviderError):
        fetch_repository(str(written.path), cache, allow_file=True)
    assert repository.resolve("main") == commit


def test_a_tree_that_fsck_refuses_is_not_taken(tmp_path: Path) -> None:
    written = WrittenRepository(tmp_path / "source")
    written.commit({"a": "1"})
    blob = written.git("rev-parse", "HEAD:a")
    entry = b"100644 .git\0" + bytes.fromhex(blob)
    tree = written.git("hash-object", "-t", "tree", "--literally", "-w", "--stdin", stdin=entry)
    commit = written.git("commit-tree", tree, "-m", "bad")
    written.git("update-ref", "refs/heads/bad", commit)
    with pytest.raises(ProviderError) as caught:
        fetch_repository(str(written.path), tmp_path / "cache", allow_file=True)
    assert caught.value.code == "GIT004"
    assert list((tmp_path / "cache").iterdir()) == []


def test_an_empty_remote_is_a_repository_without_a_commit(tmp_path: Path) -> None:
    written = WrittenRepository(tmp_path / "source")
    repository = fetch_repository(str(written.path), tmp_path / "cache", allow_file=True)
    with pytest.raises(ProviderError) as caught:
        repository.resolve("HEAD")
    assert caught.value.code == "GIT008"

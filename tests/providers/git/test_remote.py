"""What a clone's remote holds, asked without fetching."""

from __future__ import annotations

from pathlib import Path

import pytest

from git_repository import WrittenRepository
from providers.git.remote import list_remote
from providers.git.repository import GitRepository
from reconciler.provider import ProviderError


@pytest.fixture
def written(tmp_path: Path) -> WrittenRepository:
    return WrittenRepository(tmp_path / "source")


def test_a_clone_without_a_remote_has_none(written: WrittenRepository) -> None:
    written.commit({"a": "1"})
    assert list_remote(GitRepository(written.path), 10) is None


def test_the_remotes_branches_and_its_default(written: WrittenRepository, tmp_path: Path) -> None:
    first = written.commit({"a": "1"})
    written.git("clone", "--quiet", str(written.path), str(tmp_path / "clone"))
    written.git("branch", "feature/x")
    second = written.commit({"a": "2"})
    found = list_remote(GitRepository(tmp_path / "clone"), 10)
    assert found is not None
    assert (found.default_branch, found.place) == ("main", str(written.path))
    assert found.refs["refs/heads/main"] == second
    assert found.refs["refs/heads/feature/x"] == first


def test_a_remote_that_is_gone_is_told(written: WrittenRepository, tmp_path: Path) -> None:
    written.commit({"a": "1"})
    written.git("remote", "add", "origin", str(tmp_path / "nowhere"))
    with pytest.raises(ProviderError):
        list_remote(GitRepository(written.path), 10)


@pytest.mark.parametrize("url", ["ext::sh -c true", "--upload-pack=x", "https://user:pw@host/x"])
def test_a_remote_that_git_may_not_be_given_is_refused(written: WrittenRepository, url: str) -> None:
    written.commit({"a": "1"})
    written.git("config", "remote.origin.url", url)
    with pytest.raises(ProviderError) as raised:
        list_remote(GitRepository(written.path), 10)
    assert "pw" not in str(raised.value)

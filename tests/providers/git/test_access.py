"""Logins for a remote: by a key over a real sshd, with nothing of the user's own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from git_repository import WrittenRepository
from providers.git.access import Access, SshFiles
from providers.git.cache import DEFAULT_BRANCH, fetch_repository
from providers.git.loop_branch import LoopBranch
from providers.git.remote import list_tips
from reconciler.cli.loop_branch import open_loop_branch
from reconciler.cli.loop_remote import open_entry
from reconciler.provider import ProviderError
from specs.environment import Environment
from specs.run_access import Ssh
from specs.run_push import Push
from specs.run_repository import RunRepository
from ssh_server import SshServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with SshServer(tmp_path_factory.mktemp("ssh")) as running:
        yield running


@pytest.fixture
def written(tmp_path: Path) -> WrittenRepository:
    return WrittenRepository(tmp_path / "source")


def _access(server: SshServer, identity: str = "identity", known_hosts: str = "known_hosts") -> Access:
    return Access(ssh=SshFiles(server.folder / identity, server.folder / known_hosts))


def test_the_named_key_and_host_key_are_what_counts(
    server: SshServer, written: WrittenRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = written.commit({"a": "1"})
    odd = tmp_path / "the keys, 100%h of them"
    odd.mkdir()
    for name in ("identity", "known_hosts"):
        shutil.copy(server.folder / name, odd)
    access = Access(ssh=SshFiles(odd / "identity", odd / "known_hosts"))
    url, cache = f"ssh://root@127.0.0.1:{server.port}{written.path}", tmp_path / "cache"
    home = tmp_path / "home" / ".ssh"
    home.mkdir(parents=True)
    (home / "config").write_text("Host *\n  Port 1\n  IdentityFile /nonexistent\n")
    monkeypatch.setenv("HOME", str(home.parent))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    tips = list_tips(url, cache, access)
    assert (tips["HEAD"], tips[DEFAULT_BRANCH]) == (commit, "refs/heads/main")
    repository = fetch_repository(url, cache, access=access, listed=tips)
    assert repository.resolve("main") == commit
    assert os.listdir(home) == ["config"]


def test_a_host_whose_key_is_another_or_unknown_is_refused(
    server: SshServer, written: WrittenRepository, tmp_path: Path
) -> None:
    written.commit({"a": "1"})
    url, before = f"ssh://root@127.0.0.1:{server.port}{written.path}", server.logins()
    key = (server.folder / "stranger.pub").read_text()
    (server.folder / "wrong").write_text(f"[127.0.0.1]:{server.port} {key}")
    (server.folder / "empty").touch()
    for known_hosts in ("wrong", "empty", "absent"):
        with pytest.raises(ProviderError) as raised:
            list_tips(url, tmp_path / "cache", _access(server, known_hosts=known_hosts))
        assert raised.value.code == "GIT013"
        assert "Host key verification failed" in raised.value.seen
    assert server.logins() == before
    assert not (server.folder / "absent").exists()


def test_a_loop_pushes_with_a_key_of_its_own(
    server: SshServer, written: WrittenRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tip = written.commit({"a": "1"})
    written.git("config", "receive.denyCurrentBranch", "ignore")

    def ssh(identity: str) -> Ssh:
        known = str(server.folder / "known_hosts")
        return Ssh(identity=str(server.folder / identity), known_hosts=known)

    results: list[str] = []
    for identity in ("stranger", "identity"):
        push = Push(author="Loop <loop@example.com>", ssh=ssh(identity))
        url = f"ssh://root@127.0.0.1:{server.port}{written.path}"
        entry = RunRepository(name="shop", url=url, ssh=ssh("identity"), push=push)
        branch = open_loop_branch(entry, push, open_entry(entry), Environment(project="shop"))
        assert isinstance(branch, LoopBranch)
        commit = branch.write(tip, "specs/releases/prod.yaml", "words\n", "Promote\n")
        try:
            results.append(branch.push(commit, tip).result)
        except ProviderError as error:
            results.append(error.code)
    assert results == ["GIT013", "done"]
    assert written.git("log", "--format=%an", "main").splitlines() == ["Loop", "A"]


def test_a_key_that_the_host_does_not_know_is_told(
    server: SshServer, written: WrittenRepository, tmp_path: Path
) -> None:
    url = f"ssh://root@127.0.0.1:{server.port}{written.path}"
    with pytest.raises(ProviderError) as raised:
        list_tips(url, tmp_path / "cache", _access(server, identity="stranger"))
    assert (raised.value.code, "Permission denied" in raised.value.seen) == ("GIT013", True)

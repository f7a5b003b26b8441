"""A branch that a loop writes: by the author, key and login of its Run file, and nothing of the user."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from git_http import GitHttp
from git_repository import WrittenRepository
from providers.git.loop_branch import LoopBranch
from providers.git.repository import GitRepository
from providers.git.signatures import Keys, open_verifier
from reconciler.cli.loop_branch import open_loop_branch
from reconciler.cli.loop_remote import open_entry
from reconciler.provider import ProviderError
from signers import SshSigner
from specs.environment import Environment, Tags
from specs.problem import Problem
from specs.run_push import Push
from specs.run_repository import RunRepository

RELEASE = "specs/releases/prod.yaml"


class Served:
    """A bare repository behind a server that lets one login write, and a user with a configuration."""

    def __init__(self, folder: Path, server: GitHttp) -> None:
        self.folder, self.server = folder, server
        work = WrittenRepository(folder / "work")
        self.first = work.commit({"a": "1"})
        self.bare = WrittenRepository(folder / "served" / "shop.git", "--bare")
        self.bare.git("config", "http.receivepack", "true")
        work.git("push", "-q", str(self.bare.path), "main")
        self.bare.git("symbolic-ref", "HEAD", "refs/heads/main")
        server.logins = {("reader", "r"), ("writer", "w")}
        self.loop = SshSigner.make(folder / "keys", "loop")

    def login(self, name: str) -> str:
        path = self.folder / f"{name}-login"
        path.write_text(self.server.address.replace("://", f"://{name}:{name[0]}@") + "\n")
        return str(path)

    def branch(self, writer: str = "writer") -> LoopBranch:
        push = Push(
            author="The Loop <loop@example.com>",
            credential=self.login(writer),
            signing_key=str(self.loop.folder / "loop"),
        )
        url = f"{self.server.address}/shop.git"
        entry = RunRepository(name="shop", url=url, credential=self.login("reader"), push=push)
        found = open_loop_branch(entry, push, open_entry(entry), Environment(project="shop"))
        assert isinstance(found, LoopBranch)
        return found

    def tip(self, ref: str = "main") -> str:
        return self.bare.git("rev-parse", ref)


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    for name in ("pre-push", "reference-transaction"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/hook-ran\n")
        (hooks / name).chmod(0o755)
    user = f"[user]\nname = Me\nemail = me@example.com\n[core]\nhooksPath = {hooks}\n"
    (tmp_path / ".gitconfig").write_text(user)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Me")
    with GitHttp(tmp_path / "served") as server:
        yield Served(tmp_path, server)


def test_it_writes_as_the_run_file_says(served: Served) -> None:
    branch = served.branch()
    assert branch.tip() == served.first
    served.server.given.clear()
    commit = branch.write(served.first, RELEASE, "words: é\n", "Promote dev to prod\n")
    assert branch.push(commit, served.first).result == "done"
    assert served.tip() == commit == branch.last_seen()
    said = served.bare.git("log", "-1", "--format=%an <%ae>, %cn <%ce>, %s", "main")
    assert said == "The Loop <loop@example.com>, The Loop <loop@example.com>, Promote dev to prod"
    assert served.bare.git("show", f"main:{RELEASE}") == "words: é"
    assert set(served.server.given) == {"writer:w"}
    assert not (served.folder / "hook-ran").exists()
    signers = served.folder / "signers"
    signers.write_text(served.loop.allowed_line)
    with open_verifier(GitRepository(served.bare.path).git, Keys(signers)) as verifier:
        assert verifier.verifies(commit)


def test_what_has_moved_is_not_forced_and_what_is_refused_says_why(served: Served) -> None:
    branch = served.branch()
    mine = branch.write(served.first, RELEASE, "mine\n", "mine\n")
    other = branch.write(served.first, RELEASE, "other\n", "other\n")
    assert branch.push(other, served.first).result == "done"
    assert branch.push(mine, served.first).result == "moved"
    assert served.tip() == other
    hook = served.bare.path / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'error: main is protected' >&2\nexit 1\n")
    hook.chmod(0o755)
    after = branch.write(other, RELEASE, "after\n", "after\n")
    pushed = branch.push(after, other)
    assert (pushed.result, pushed.reason) == ("refused", "error: main is protected")


def test_a_branch_for_review_is_seen_as_the_remote_has_it(served: Served) -> None:
    branch = served.branch()
    review = branch.beside("promote/prod")
    assert review.find() is None
    commit = branch.write(served.first, RELEASE, "mine\n", "mine\n")
    assert review.push(commit, "").result == "done"
    served.bare.git("update-ref", "refs/heads/promote/prod", served.first)
    assert review.find() == served.first


def test_a_login_that_is_not_taken_is_an_error_of_the_moment(served: Served) -> None:
    branch = served.branch("nobody")
    commit = branch.write(served.first, RELEASE, "mine\n", "mine\n")
    with pytest.raises(ProviderError) as raised:
        branch.push(commit, served.first)
    assert raised.value.code == "GIT013"
    assert served.tip() == served.first


def test_tags_are_nothing_to_write_to(served: Served) -> None:
    push = Push(author="The Loop <loop@example.com>")
    entry = RunRepository(name="shop", folder=str(served.bare.path), push=push)
    tracks = Environment(project="shop", tracks=Tags(tags="v*"))
    found = open_loop_branch(entry, push, GitRepository(served.bare.path), tracks)
    assert isinstance(found, Problem)
    assert found.code == "CLI057"


def test_a_repository_that_is_pushed_to_is_written_in_place(served: Served) -> None:
    push = Push(author="The Loop <loop@example.com>")
    entry = RunRepository(name="shop", folder=str(served.bare.path), receive=True, push=push)
    found = open_loop_branch(entry, push, GitRepository(served.bare.path), Environment(project="shop"))
    assert isinstance(found, LoopBranch)
    commit = found.write(served.first, RELEASE, "mine\n", "mine\n")
    assert found.push(commit, served.first).result == "done"
    assert found.push(commit, served.first).result == "moved"
    assert served.tip() == commit

"""Refs, history and origin on real clones."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pytest

from git_repository import WrittenRepository
from providers.git.command import GitCommand
from providers.git.repository import GitRepository
from reconciler.desired import Kinship
from reconciler.provider import ProviderError, Refused


@pytest.fixture
def written(tmp_path: Path) -> WrittenRepository:
    return WrittenRepository(tmp_path / "source")


def _refusal(repository: GitRepository, ref: str) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        repository.resolve(ref)
    return caught.value


def test_resolves_branch_tag_full_id_and_head(written: WrittenRepository) -> None:
    first = written.commit({"a": "1"})
    written.git("tag", "-a", "v1", "-m", "one")
    written.git("branch", "feature/x")
    second = written.commit({"a": "2"})
    repository = GitRepository(written.path)
    answers = [
        repository.resolve(ref) for ref in ("v1", "feature/x", "refs/heads/main", "main", "HEAD", first)
    ]
    assert answers == [first, first, second, second, second, first]


def test_a_folder_inside_and_a_bare_clone_work(written: WrittenRepository, tmp_path: Path) -> None:
    commit = written.commit({"deep/er/a": "1"})
    written.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    assert GitRepository(written.path / "deep/er").resolve("main") == commit
    bare = GitRepository(tmp_path / "bare.git")
    assert bare.resolve("main") == commit
    assert [file.path for file in bare.tree(commit).files(".")] == ["deep/er/a"]
    assert bare.root is None
    assert bare.uncommitted(["."]) == ()


def test_a_branch_and_a_tag_of_one_name_are_named_in_full(written: WrittenRepository) -> None:
    written.commit({"a": "1"})
    written.git("tag", "same")
    written.commit({"a": "2"})
    written.git("branch", "same")
    error = _refusal(GitRepository(written.path), "same")
    assert error.code == "GIT009"
    assert "refs/heads/same and refs/tags/same" in error.seen
    assert GitRepository(written.path).resolve("refs/tags/same")


@pytest.mark.parametrize(
    "ref",
    [
        "--upload-pack=touch /tmp/x",
        "-x",
        "main~1",
        "main^{tree}",
        "a..b",
        "@{u}",
        "../../x",
        "a/../b",
        "HEAD:file",
        "x y",
        "x\ny",
        "",
        "a.lock",
        "/main",
        "main/",
        "a//b",
        "x" * 300,
        ":/change",
        "refs/heads/*",
    ],
)
def test_what_is_not_a_ref_is_refused_before_git_runs(written: WrittenRepository, ref: str) -> None:
    written.commit({"a": "1"})
    error = _refusal(GitRepository(written.path), ref)
    assert isinstance(error, Refused)
    assert error.code == "GIT010"


def test_unknown_and_abbreviated_refs_say_what_to_type(written: WrittenRepository) -> None:
    commit = written.commit({"a": "1"})
    repository = GitRepository(written.path)
    assert _refusal(repository, "nowhere").code == "GIT011"
    assert _refusal(repository, commit[:12]).code == "GIT011"
    assert _refusal(repository, "0" * 40).code == "GIT011"
    assert _refusal(repository, repository.git.read("rev-parse", "HEAD^{tree}").text).code == "GIT011"


def test_a_remote_branch_without_a_local_one_is_found(written: WrittenRepository, tmp_path: Path) -> None:
    commit = written.commit({"a": "1"})
    written.git("branch", "feature")
    written.git("clone", "-q", ".", str(tmp_path / "clone"))
    clone = GitRepository(tmp_path / "clone")
    assert clone.resolve("feature") == commit
    assert clone.default_branch() == "main"


def test_no_repository_no_folder_and_no_commit_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    assert _refusal(GitRepository(tmp_path / "plain"), "main").code == "GIT002"
    assert _refusal(GitRepository(tmp_path / "absent"), "main").code == "GIT002"
    empty = WrittenRepository(tmp_path / "empty")
    error = _refusal(GitRepository(empty.path), "main")
    assert error.code == "GIT008"
    assert "git commit" in error.remedy
    assert _refusal(GitRepository(empty.path), "HEAD").code == "GIT008"


def test_lineage_and_merge_base(written: WrittenRepository) -> None:
    first = written.commit({"a": "1"})
    second = written.commit({"a": "2"})
    written.git("checkout", "-q", "-b", "side", first)
    side = written.commit({"b": "1"})
    written.git("checkout", "-q", "--orphan", "other")
    other = written.commit({"c": "1"})
    repository = GitRepository(written.path)
    unknown = "1" * 40
    assert repository.lineage(second, [first, second, side, other, unknown, "junk"]) == {
        first: Kinship.ANCESTOR,
        second: Kinship.SAME,
        side: Kinship.UNRELATED,
        other: Kinship.UNRELATED,
        unknown: Kinship.CANNOT_TELL,
        "junk": Kinship.CANNOT_TELL,
    }
    assert repository.lineage(first, [second]) == {second: Kinship.DESCENDANT}
    assert repository.lineage(unknown, [first]) == {first: Kinship.CANNOT_TELL}
    assert repository.merge_base(second, side) == first
    assert repository.merge_base(second, other) is None
    with pytest.raises(ProviderError) as caught:
        repository.merge_base(second, unknown)
    assert caught.value.code == "GIT007"


def test_a_shallow_clone_says_that_it_cannot_tell(written: WrittenRepository, tmp_path: Path) -> None:
    first = written.commit({"a": "1"})
    written.git("branch", "side")
    second = written.commit({"a": "2"})
    written.git("checkout", "-q", "side")
    side = written.commit({"b": "1"})
    url = f"file://{written.path}"
    written.git("clone", "-q", "--depth=1", "--no-single-branch", url, str(tmp_path / "shallow"))
    shallow = GitRepository(tmp_path / "shallow")
    assert shallow.is_shallow
    assert shallow.lineage(second, [side, first]) == {side: Kinship.CANNOT_TELL, first: Kinship.CANNOT_TELL}
    with pytest.raises(ProviderError) as caught:
        shallow.merge_base(second, side)
    assert caught.value.code == "GIT007"
    assert caught.value.remedy == "git fetch --unshallow origin"
    assert shallow.origin().first_commit is None


def test_origin_is_the_remote_however_spelled_and_the_first_commit(written: WrittenRepository) -> None:
    first = written.commit({"a": "1"})
    written.commit({"a": "2"})
    repository = GitRepository(written.path)
    assert repository.origin().remote is None
    written.git("remote", "add", "origin", "git@Example.com:team/shop.git")
    origin = repository.origin()
    assert (origin.remote, origin.first_commit) == ("example.com/team/shop", first)


def test_uncommitted_names_changed_new_and_removed_files(written: WrittenRepository) -> None:
    written.commit({"web/a": "1", "web/b": "1", "specs/s.yaml": "x", "other": "1", ".gitignore": "*.log\n"})
    written.write({"web/a": "2", "web/new name\n": "1", "web/x.log": "1", "other": "2"})
    (written.path / "web/b").unlink()
    repository = GitRepository(written.path)
    assert repository.uncommitted(["web", "specs"]) == ["web/a", "web/b", "web/new name\n"]
    assert GitRepository(written.path / "specs").uncommitted(["specs"]) == []
    assert repository.uncommitted(["."]) == ["other", "web/a", "web/b", "web/new name\n"]


def test_the_environment_of_this_process_does_not_reach_git(
    written: WrittenRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = written.commit({"a": "1"})
    decoy = WrittenRepository(tmp_path / "decoy")
    decoy.commit({"b": "1"})
    monkeypatch.setenv("GIT_DIR", str(decoy.path / ".git"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.hooksPath")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(tmp_path))
    repository = GitRepository(written.path)
    assert repository.resolve("main") == commit
    assert repository.git.ask("config", "--get", "core.hooksPath").text == "/dev/null"


def test_replaced_objects_are_not_believed(written: WrittenRepository) -> None:
    first = written.commit({"a": "1"})
    second = written.commit({"a": "2"})
    written.git("replace", second, first)
    repository = GitRepository(written.path)
    files = repository.tree(second).files(".")
    assert repository.tree(second).read(files) == {"a": b"2"}


def test_a_repository_of_another_user_is_refused_unless_the_user_trusts_it(
    written: WrittenRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = written.commit({"a": "1"})
    real, stand_in = shutil.which("git"), tmp_path / "bin/git"
    stand_in.parent.mkdir()
    stand_in.write_text(f'#!/bin/sh\nGIT_TEST_ASSUME_DIFFERENT_OWNER=1 exec {real} "$@"\n')
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{stand_in.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    error = _refusal(GitRepository(written.path), "main")
    assert error.code == "GIT003"
    assert "safe.directory" in error.remedy
    (tmp_path / ".gitconfig").write_text(f"[safe]\n\tdirectory = {written.path}\n")
    assert GitRepository(written.path).resolve("main") == commit


def test_reading_leaves_no_process_and_no_descriptor(written: WrittenRepository) -> None:
    commit = written.commit({"a": "1"})
    repository = GitRepository(written.path)
    repository.resolve("main")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        tree = repository.tree(commit)
        tree.read(tree.files("."))
    assert len(os.listdir("/proc/self/fd")) == before


def test_git_that_is_not_installed_is_told(
    written: WrittenRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written.commit({"a": "1"})
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert _refusal(GitRepository(written.path), "main").code == "GIT005"


def test_git_that_hangs_is_ended_with_its_children(
    written: WrittenRepository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written.commit({"a": "1"})
    stand_in = tmp_path / "bin/git"
    stand_in.parent.mkdir()
    stand_in.write_text(f"#!/bin/sh\nsleep 60 & echo $! > {tmp_path}/pid; wait\n")
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{stand_in.parent}:{os.environ['PATH']}")
    with pytest.raises(ProviderError) as caught:
        GitCommand(written.path).ask("status", timeout=0.5)
    assert caught.value.code == "GIT001"
    state = Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}/stat")
    limit = time.monotonic() + 5.0
    while not _is_over(state):  # it was killed, and dies when the kernel gets to it
        assert time.monotonic() < limit, "the child of a child lives on"
        time.sleep(0.01)


def _is_over(state: Path) -> bool:
    try:
        return state.read_text().split()[2] == "Z"
    except OSError:
        return True

"""A working tree gives the same listing as a commit of it would, whatever lies in it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from git_repository import WrittenRepository
from providers.git.repository import GitRepository
from providers.worktree.tree import WorkTree
from reconciler.provider import ProviderError, Stale
from specs.image import Build
from specs.image_inputs import image_inputs


def _tree(written: WrittenRepository) -> WorkTree:
    return WorkTree(written.path, GitRepository(written.path).git)


def _as_committed(written: WrittenRepository) -> tuple[list[object], dict[str, bytes]]:
    tree = GitRepository(written.path).tree(written.commit())
    files = tree.files(".")
    return list(files), dict(tree.read(files))


@pytest.fixture(params=["sha1", "sha256"])
def written(request: pytest.FixtureRequest, tmp_path: Path) -> WrittenRepository:
    return WrittenRepository(tmp_path / "source", f"--object-format={request.param}")


def test_tracked_changed_removed_new_and_ignored(written: WrittenRepository) -> None:
    written.commit(
        {"same": "1", "changed": "1", "gone": "1", "mode": "1", "staged": "1", ".gitignore": "*.log\n"}
    )
    written.write({"changed": "2", "new/deep": "1", "x.log": "1", "staged": "2", "added": "1"})
    (written.path / "gone").unlink()
    (written.path / "mode").chmod(0o755)
    (written.path / "empty/folder").mkdir(parents=True)
    (written.path / "link").symlink_to("nowhere")
    written.git("add", "staged", "added")
    written.git("add", "-N", "new/deep")
    tree = _tree(written)
    files = tree.files(".")
    contents = dict(tree.read(files))
    assert (list(files), contents) == _as_committed(written)
    assert {file.path for file in files} == {
        ".gitignore", "added", "changed", "link", "mode", "new/deep", "same", "staged"
    }  # fmt: skip


def test_a_repository_without_a_commit_has_its_files(written: WrittenRepository) -> None:
    written.write({"a": "1"})
    tree = _tree(written)
    files = tree.files(".")
    assert (list(files), dict(tree.read(files))) == _as_committed(written)


def test_folders_are_told_from_names_that_begin_alike(written: WrittenRepository) -> None:
    written.commit({"web/a": "", "web-x/a": "", "web.y": "", "web0": ""})
    written.write({"web/new": ""})
    tree = _tree(written)
    assert [file.path for file in tree.files("web")] == ["web/a", "web/new"]
    assert list(tree.files("absent")) == []


def test_marks_of_the_index_hide_nothing(written: WrittenRepository) -> None:
    written.commit({"assumed": "1", "skipped": "1", "absent": "1"})
    written.git("update-index", "--assume-unchanged", "assumed")
    written.git("update-index", "--skip-worktree", "skipped", "absent")
    written.write({"assumed": "2", "skipped": "2"})
    (written.path / "absent").unlink()
    tree = _tree(written)
    assert tree.read(tree.files(".")) == {"assumed": b"2", "skipped": b"2"}


def test_a_change_of_same_size_at_the_same_moment_is_seen(written: WrittenRepository) -> None:
    for content in ("1", "2", "3", "4"):
        written.write({"a": content})
        written.git("add", "a")
        written.write({"a": content.upper() + ""})
        tree = _tree(written)
        assert tree.read(tree.files(".")) == {"a": content.encode()}
        written.write({"a": "x"})
        tree = _tree(written)
        assert tree.read(tree.files(".")) == {"a": b"x"}


def test_a_touched_file_is_the_same(written: WrittenRepository) -> None:
    written.commit({"a": "1"})
    before = list(_tree(written).files("."))
    os.utime(written.path / "a", (1, 1))
    assert list(_tree(written).files(".")) == before


def test_conflicts_count_by_what_lies_there(written: WrittenRepository) -> None:
    written.commit({"a": "1"})
    written.git("checkout", "-q", "-b", "side")
    written.commit({"a": "2"})
    written.git("checkout", "-q", "main")
    written.commit({"a": "3"})
    with pytest.raises(AssertionError):
        written.git("merge", "-q", "side")
    tree = _tree(written)
    assert b"<<<<<<<" in tree.read(tree.files("."))["a"]


def test_a_file_that_changes_after_the_look_is_stale(written: WrittenRepository) -> None:
    written.write({"a": "1"})
    tree = _tree(written)
    files = tree.files(".")
    written.write({"a": "2"})
    with pytest.raises(Stale):
        tree.read(files)
    (written.path / "a").unlink()
    with pytest.raises(Stale):
        tree.read(files)


def test_folders_that_became_links_and_files_that_are_none_are_not_followed(
    written: WrittenRepository, tmp_path: Path
) -> None:
    written.commit({"d/a": "1", "pipe": "1", "e/a": "1"})
    written.git("update-index", "--skip-worktree", "e/a")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/a").write_text("secret")
    for name in ("d", "e"):
        shutil.rmtree(written.path / name)
        (written.path / name).symlink_to(tmp_path / "outside")
    (written.path / "pipe").unlink()
    os.mkfifo(written.path / "pipe")
    tree = _tree(written)
    contents = tree.read(tree.files("."))
    assert contents["d"] == str(tmp_path / "outside").encode()
    assert b"secret" not in contents.values()
    assert "pipe" not in contents


def test_embedded_repositories_are_gitlinks(written: WrittenRepository) -> None:
    written.commit({"a": "1"})
    WrittenRepository(written.path / "sub").commit({"b": "1"})
    inputs = image_inputs(_tree(written), Build())
    assert [(problem.file, problem.code) for problem in inputs.problems] == [
        ("Dockerfile", "IMG001"),
        ("sub", "IMG009"),
    ]
    assert {file.path: oct(file.mode) for file in _tree(written).files(".")} == {
        "a": "0o100644",
        "sub": "0o160000",
    }


def test_attributes_of_the_working_tree_count(written: WrittenRepository) -> None:
    written.commit({"a.bin": "1", "b": "1"})
    written.write({".gitattributes": "*.bin filter=x\n"})
    tree = _tree(written)
    assert tree.special_paths(tree.files(".")) == ["a.bin"]


def test_an_unreadable_file_says_so(written: WrittenRepository, monkeypatch: pytest.MonkeyPatch) -> None:
    written.write({"a": "1"})
    tree = _tree(written)

    allowed = os.open  # root can read everything, so the refusal is made here

    def refuse(path: str | bytes, flags: int) -> int:
        if path == os.fsencode(written.path / "a"):
            raise PermissionError(13, "Permission denied")
        return allowed(path, flags)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(ProviderError) as caught:
        tree.files(".")
    assert caught.value.code == "WRK001"


_NAME = st.text(
    st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1, max_size=8
).filter(
    lambda name: name not in (".", "..") and not name.lower().startswith(".git") and len(name.encode()) < 60
)
_PATH = st.lists(_NAME, min_size=1, max_size=3).map("/".join)
_CONTENT = st.binary(max_size=20)
_KIND = st.sampled_from(["file", "program", "link"])


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.dictionaries(_PATH, st.tuples(_KIND, _CONTENT), max_size=8),
    st.dictionaries(_PATH, st.tuples(_KIND, _CONTENT), max_size=4),
)
def test_any_tree_gives_the_key_of_its_commit(
    tmp_path_factory: pytest.TempPathFactory,
    first: dict[str, tuple[str, bytes]],
    then: dict[str, tuple[str, bytes]],
) -> None:
    written = WrittenRepository(tmp_path_factory.mktemp("tree") / "source")
    _fill(written.path, {**first, "Dockerfile": ("file", b"FROM scratch\n")})
    written.commit()
    _fill(written.path, then)
    (written.path / "an empty folder").mkdir(exist_ok=True)
    dirty = _tree(written)
    before = image_inputs(dirty, Build())
    files, contents = _as_committed(written)
    assert list(dirty.files(".")) == files
    assert dirty.read(dirty.files(".")) == contents
    clean = image_inputs(_tree(written), Build())
    commit = image_inputs(GitRepository(written.path).tree(written.git("rev-parse", "HEAD")), Build())
    assert before.document == clean.document == commit.document


def _fill(root: Path, files: dict[str, tuple[str, bytes]]) -> None:
    for name, (kind, content) in files.items():
        path = root / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_symlink() or path.is_file():
                path.unlink()
            if kind == "link":
                path.symlink_to(content.replace(b"\0", b"").decode("latin-1") or "x")
                continue
            path.write_bytes(content)
            path.chmod(0o755 if kind == "program" else 0o644)
        except (NotADirectoryError, IsADirectoryError, FileExistsError, FileNotFoundError, OSError):
            continue  # a name that this tree cannot hold beside the others

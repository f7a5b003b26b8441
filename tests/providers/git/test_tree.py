"""The files of a commit: names of every kind, modes, folders, attributes."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from git_repository import WrittenRepository
from providers.git.repository import GitRepository
from providers.git.tree import GitTree
from reconciler.provider import ProviderError, TreeFile
from specs.attributes import special_paths
from specs.image import Build
from specs.image_inputs import context_of, image_inputs


def _tree(written: WrittenRepository, files: dict[str, str | bytes]) -> GitTree:
    return GitRepository(written.path).tree(written.commit(files))


@pytest.fixture(params=["sha1", "sha256"])
def written(request: pytest.FixtureRequest, tmp_path: Path) -> WrittenRepository:
    return WrittenRepository(tmp_path / "source", f"--object-format={request.param}")


def test_names_survive_and_come_sorted_as_bytes(written: WrittenRepository) -> None:
    names = {"a b", "a\nb", "a\tb", 'a"b', "é", "日本", "a/b", "a-b", "a.b", "a/b\\c", "-x", "--y", ":z", "*"}
    tree = _tree(written, {name: name for name in names})
    files = tree.files(".")
    assert [file.path for file in files] == sorted(names, key=str.encode)
    assert tree.read(files) == {name: name.encode() for name in names}


def test_a_name_that_is_not_unicode_survives(written: WrittenRepository) -> None:
    name = b"caf\xe9".decode("utf-8", "surrogateescape")
    tree = _tree(written, {name: "x"})
    assert tree.read(tree.files(".")) == {name: b"x"}


def test_modes_links_and_folders(written: WrittenRepository) -> None:
    written.write({"web/run": "x", "web/deep/a": "1", "webby/b": "2", "top": ""})
    (written.path / "web/run").chmod(0o755)
    (written.path / "web/link").symlink_to("/etc/passwd")
    tree = _tree(written, {})
    files = tree.files("web")
    assert {file.path: oct(file.mode) for file in files} == {
        "web/deep/a": "0o100644",
        "web/link": "0o120000",
        "web/run": "0o100755",
    }
    assert tree.read(files)["web/link"] == b"/etc/passwd"
    assert [file.path for file in tree.files("web/deep")] == ["web/deep/a"]
    assert list(tree.files("absent")) == []
    assert list(tree.files("top")) == []


def test_contents_of_every_kind_come_in_one_batch(written: WrittenRepository) -> None:
    contents: dict[str, str | bytes] = {
        "empty": b"",
        "nl": b"\n",
        "binary": bytes(range(256)) * 3000,
        "twice": b"\n",
        "header": b"0" * 40 + b" blob 3\nabc",
    }
    tree = _tree(written, contents)
    assert tree.read(tree.files(".")) == contents
    assert tree.read([]) == {}


def test_an_absent_blob_is_an_error(written: WrittenRepository) -> None:
    tree = _tree(written, {"a": "1"})
    oid = tree.files(".")[0].oid
    with pytest.raises(ProviderError) as caught:
        tree.read([TreeFile("x", 0o100644, "0" * len(oid))])
    assert caught.value.code == "GIT006"


def test_attributes_of_the_folder_and_of_those_above_count(written: WrittenRepository) -> None:
    tree = _tree(
        written,
        {
            ".gitattributes": "* text=auto\n*.sh text eol=lf\n*.bat eol=crlf\n/web/big.* filter=lfs -text\n",
            "web/.gitattributes": "keep.bat -eol\nid.c ident\n",
            "web/deep/.gitattributes": "* -ident\n",
            **dict.fromkeys(["web/a.sh", "web/a.bat", "web/keep.bat", "web/big.bin", "web/id.c"], "x"),
            **dict.fromkeys(["web/deep/id.c", "web/deep/big.bin", "plain"], "x"),
        },
    )
    files = tree.files("web")
    assert ".gitattributes" not in {file.path for file in files}
    assert tree.special_paths(files) == ["web/a.bat", "web/big.bin", "web/id.c"]


def test_no_attributes_cost_nothing(written: WrittenRepository) -> None:
    tree = _tree(written, {"a": "x"})
    assert tree.special_paths(tree.files(".")) == ()


def test_a_later_place_of_a_name_is_found() -> None:
    paths = ["c.txt/d/c.txt", "c.txt/d/e"]
    assert special_paths({".gitattributes": b"**/c.txt ident"}, paths) == ["c.txt/d/c.txt"]
    assert special_paths({".gitattributes": b"c.txt ident"}, paths) == ["c.txt/d/c.txt"]
    assert special_paths({"c.txt/.gitattributes": b"/d/** ident"}, paths) == paths


@pytest.mark.parametrize(
    ("line", "special"),
    [
        ("*.png filter=lfs diff=lfs merge=lfs -text", ["a.png", "d/b.png"]),
        ("d/*.png filter=x", ["d/b.png"]),
        ("/*.png ident", ["a.png"]),
        ("d/** working-tree-encoding=UTF-16", ["d/b.png", "d/e/c.txt"]),
        ("**/c.txt eol=crlf", ["d/e/c.txt"]),
        ("**/e/* eol=crlf", ["d/e/c.txt"]),
        ("d/**/c.txt eol=crlf", ["d/e/c.txt"]),
        ("d/ filter=x", []),
        ("[ab].png ident", ["a.png", "d/b.png"]),
        ("[!a].png ident", ["d/b.png"]),
        ("?.png ident", ["a.png", "d/b.png"]),
        ('"\\141.png" ident', ["a.png"]),
        ("# *.png filter=x", []),
        ("* -filter", []),
        ("* !filter", []),
        ("* binary", []),
        ("* text eol=lf", []),
        ("[attr]big filter=lfs\n*.png big", ["a.png", "d/b.png"]),
        ("*.png filter=lfs\na.png -filter", ["d/b.png"]),
        ("*.png\tfilter=lfs", ["a.png", "d/b.png"]),
        ("d/**b.png ident", ["d/b.png"]),
        ("**/d/e ident", []),
        ("a.png/** ident", []),
        ("[ ident", ["a.png", "d/b.png", "d/e/c.txt"]),
        ("**/a" * 30 + "/b ident", []),
    ],
)
def test_what_changes_bytes(line: str, special: list[str]) -> None:
    paths = ["a.png", "d/b.png", "d/e/c.txt"]
    assert list(special_paths({".gitattributes": line.encode()}, paths)) == special


def test_a_commits_context_is_a_tar_of_its_files(written: WrittenRepository) -> None:
    written.write({"web/Dockerfile": "FROM scratch\n", "web/d/a": "1", "web/run": "x", "other": "2"})
    (written.path / "web/run").chmod(0o755)
    (written.path / "web/ln").symlink_to("d/a")
    repository = GitRepository(written.path)
    tree = repository.tree(written.commit())
    inputs = image_inputs(tree, Build(context="web"))
    packed = b"".join(context_of(tree, inputs.manifest, TreeFile))
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        assert archive.getnames() == ["Dockerfile", "d/a", "ln", "run"]
        assert archive.getmember("ln").linkname == "d/a"
        assert archive.getmember("run").mode == 0o755


def test_submodules_are_told_and_disturb_no_other_path(written: WrittenRepository) -> None:
    written.write(
        {"web/Dockerfile": "FROM scratch\n", "web/a": "1", "web/z.md": "1", "web/.dockerignore": "*.md\n"}
    )
    commit = written.commit()
    written.git("update-index", "--add", "--cacheinfo", f"160000,{commit},web/sub")
    written.git("commit", "-q", "-m", "submodule")
    inputs = image_inputs(
        GitRepository(written.path).tree(written.git("rev-parse", "HEAD")), Build(context="web")
    )
    assert [(problem.file, problem.code) for problem in inputs.problems] == [("web/sub", "IMG009")]
    assert [entry.path for entry in inputs.manifest.entries()] == [".dockerignore", "Dockerfile", "a", "sub"]
    written.write({"web/.dockerignore": "sub\n"})
    inputs = image_inputs(GitRepository(written.path).tree(_commit_index(written)), Build(context="web"))
    assert inputs.problems == ()


def _commit_index(written: WrittenRepository) -> str:
    """A commit of changed files alone: ``git add -A`` would drop a submodule that is not checked out."""
    written.git("commit", "-q", "-m", "change", "--", "web/.dockerignore")
    return written.git("rev-parse", "HEAD")

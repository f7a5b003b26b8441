"""Files from git: which entries, which modes, which digest."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.files import FileLine, FilesKey, files_digest, lay_out
from specs.resource import Config

KEY = FilesKey("app")
LISTING = [
    ("conf/a.conf", 0o100644, "a" * 40),
    ("conf/run.sh", 0o100755, "b" * 40),
    ("conf/sub/link", 0o120000, "c" * 40),
    ("conf2/x", 0o100644, "d" * 40),
]


def test_a_folder_is_all_that_lies_below_it() -> None:
    lines, file = lay_out(KEY, Config(file="./conf/"), LISTING)
    assert file is None
    assert [(line.path, line.mode, line.link, line.source) for line in lines] == [
        ("a.conf", 0o444, False, "conf/a.conf"),
        ("run.sh", 0o555, False, "conf/run.sh"),
        ("sub/link", 0o444, True, "conf/sub/link"),
    ]


def test_a_single_file_bears_its_own_name() -> None:
    lines, file = lay_out(KEY, Config(file="conf/run.sh"), LISTING)
    assert (file, [(line.path, line.mode) for line in lines]) == ("run.sh", [("run.sh", 0o555)])


def test_content_is_one_file() -> None:
    lines, file = lay_out(KEY, Config(content="x"), ())
    assert (file, [(line.path, line.source) for line in lines]) == ("content", [("content", None)])
    other, _ = lay_out(KEY, Config(content="y"), ())
    assert files_digest(lines) != files_digest(other)


def test_modes_and_owners_are_those_of_the_use() -> None:
    lines, _ = lay_out(FilesKey("app", 0o440, 10, 20), Config(file="conf"), LISTING)
    assert {(line.mode, line.uid, line.gid) for line in lines} == {(0o440, 10, 20)}


@pytest.mark.parametrize("listing", [[], [("conf/sub", 0o160000, "e" * 40)], LISTING[3:]])
def test_refuses_what_is_not_there_and_submodules(listing: list[tuple[str, int, str]]) -> None:
    with pytest.raises(ValueError, match="conf"):
        lay_out(KEY, Config(file="conf"), listing)


def test_the_digest_is_that_of_the_entries_whatever_their_order() -> None:
    lines = [FileLine("a", 0o444, 0, 0, "x"), FileLine("b", 0o444, 0, 0, "y")]
    assert files_digest(lines) == files_digest(lines[::-1])
    assert files_digest(lines) == "e572e823ca80bc6ff86222141c07ce9ffa988d8d62033ba9770d69bb23f11686"


@pytest.mark.parametrize(
    "change", [{"path": "c"}, {"mode": 0o400}, {"uid": 1}, {"gid": 1}, {"content": "z"}, {"link": True}]
)
def test_everything_about_an_entry_is_in_the_digest(change: dict[str, object]) -> None:
    line = FileLine("a", 0o444, 0, 0, "x", source="conf/a")
    assert files_digest([line]) != files_digest([replace(line, **change)])  # type: ignore[arg-type] # by name
    assert files_digest([line]) == files_digest([replace(line, source="elsewhere/a")])

"""The rules of .dockerignore as Docker's builder reads them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specs.ignore import InvalidIgnoreRule, parse_ignore

PATHS = [
    "a",
    "a/b",
    "a/b/c.md",
    "README.md",
    "docs/README.md",
    "x.pyc",
    "p/x.pyc",
    ".git/HEAD",
    "ab",
    "é/ü",
    "!x",
    "#x",
]


@pytest.mark.parametrize(
    ("text", "excluded"),
    [
        ("", []),
        ("# a\n\n  \n", []),
        ("a", ["a", "a/b", "a/b/c.md"]),
        ("/a", ["a", "a/b", "a/b/c.md"]),
        ("a/", ["a", "a/b", "a/b/c.md"]),
        ("./a/../a", ["a", "a/b", "a/b/c.md"]),
        ("a\r\n", ["a", "a/b", "a/b/c.md"]),
        ("\ufeffa", ["a", "a/b", "a/b/c.md"]),
        ("  a  ", ["a", "a/b", "a/b/c.md"]),
        ("b", []),
        ("*/b", ["a/b", "a/b/c.md"]),
        ("*.md", ["README.md"]),
        ("**/*.md", ["a/b/c.md", "README.md", "docs/README.md"]),
        ("**/b", ["a/b", "a/b/c.md"]),
        ("a/**", ["a/b", "a/b/c.md"]),
        ("a/**/c.md", ["a/b/c.md"]),
        ("**.pyc", ["x.pyc", "p/x.pyc"]),
        ("**", PATHS),
        ("*", PATHS),
        (".", []),
        ("?", ["a", "a/b", "a/b/c.md", "p/x.pyc", "é/ü"]),
        ("a?", ["ab"]),
        ("[a-b]", ["a", "a/b", "a/b/c.md"]),
        ("[^a]", ["p/x.pyc", "é/ü"]),
        ("\\a", ["a", "a/b", "a/b/c.md"]),
        ("\\#x", ["#x"]),
        ("!a", []),
        ("**\n!a", [p for p in PATHS if p != "a" and not p.startswith("a/")]),
        ("a\n!a/b\na/b/c.md", ["a", "a/b/c.md"]),
        ("*.md\n!README.md", []),
        ("!README.md\n*.md", ["README.md"]),
        ("**/*.md\n! docs/**", ["a/b/c.md", "README.md"]),
        (".git", [".git/HEAD"]),
        ("é", ["é/ü"]),
        ("..", []),
        ("../a", []),
    ],
)
def test_what_is_excluded(text: str, excluded: list[str]) -> None:
    rules = parse_ignore(text)
    stays = rules.stays(PATHS)
    assert [path for path, stay in zip(PATHS, stays, strict=True) if not stay] == excluded
    assert [path for path in PATHS if rules.excludes(path)] == excluded


@pytest.mark.parametrize(("text", "line"), [("a\n!", 2), ("[", 1), ("[]", 1), ("\n\na\\", 3), ("[b-a]", 1)])
def test_a_bad_rule_is_named_by_its_line(text: str, line: int) -> None:
    with pytest.raises(InvalidIgnoreRule) as caught:
        parse_ignore(text)
    assert caught.value.line == line


@settings(max_examples=300, deadline=2000)
@given(
    st.lists(st.text("ab*?[]^-!#/\\. \n{}()+$|é", max_size=30), max_size=6),
    st.lists(st.text("ab/.é*", min_size=1, max_size=40), max_size=10),
)
def test_no_text_crashes_it(lines: list[str], paths: list[str]) -> None:
    try:
        rules = parse_ignore("\n".join(lines))
    except InvalidIgnoreRule:
        return
    assert len(rules.stays(paths)) == len(paths)
    assert rules.stays(paths) == [not rules.excludes(path) for path in paths]


@pytest.mark.parametrize(
    "rule",
    ["*a" * 30 + "b", "**/a" * 30 + "/b", "a/**/" * 20 + "b", "[a]*" * 20 + "b", "?*" * 20 + "b", "**a*" * 9],
)
def test_no_rule_makes_a_path_slow(rule: str) -> None:
    began = time.process_time()
    try:
        rules = parse_ignore(rule)
    except InvalidIgnoreRule:
        return
    for path in ("a" * 250, "/".join(["a"] * 500), "/".join(["a" * 100] * 20)):
        rules.excludes(path + "b/c")
        rules.excludes(path + "c")
    assert time.process_time() - began < 0.5


def test_ten_thousand_paths_take_milliseconds() -> None:
    rules = parse_ignore(".git\nnode_modules\n**/*.pyc\n**/__pycache__\ndist\n*.md\n!README.md\n.venv\n")
    paths = [f"web/module{n // 100}/sub/file{n}.py" for n in range(10_000)]
    best = min(_seconds(rules.stays, paths) for _ in range(5))
    assert best < 0.02


def _seconds(stays: object, paths: list[str]) -> float:
    assert callable(stays)
    began = time.process_time()
    assert all(stays(paths))
    return time.process_time() - began

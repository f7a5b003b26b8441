"""The front door: limits, what YAML may not be used for, and that no message quotes a file."""

from __future__ import annotations

import pytest
import yaml

from specs import yaml_tree
from specs.node import Map, Scalar, Sequence
from specs.problem import Problem, Report
from specs.yaml_tree import Budget, read_documents

CANARY = "canary-7f3a"


def read(
    content: bytes | str, budget: Budget | None = None
) -> tuple[list[Map | Sequence | Scalar], list[Problem]]:
    report = Report()
    encoded = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    return read_documents("specs/a.yaml", encoded, budget or Budget(), report), report.problems


def codes(content: bytes | str) -> list[str]:
    return [problem.code for problem in read(content)[1]]


def test_keeps_the_place_of_every_value_and_key() -> None:
    (document,), problems = read("a:\n  b: 'x'\n  c: [1, two]\n")
    assert problems == []
    assert isinstance(document, Map)
    inner = document.map_of("a")
    assert inner.place_of("b")[1:3] == (2, 3)
    items = inner.get("c")
    assert isinstance(items, Sequence)
    assert [(i.text, i.plain, i.place[1:3]) for i in items.items if isinstance(i, Scalar)] == [
        ("1", True, (3, 7)),
        ("two", True, (3, 10)),
    ]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "a:\n"])
@pytest.mark.parametrize("depth", [65, 30_000, 100_000])
def test_refuses_deep_nesting(opening: str, depth: int) -> None:
    if opening == "a:\n":
        depth = min(depth, 1_000)  # the indentation alone would exceed a file's size
        content = "".join(" " * n + opening for n in range(depth))
    else:
        content = opening * depth
    documents, problems = read(content)
    assert documents == []
    assert problems[0].code in ("SPEC001", "SPEC003")


def test_sixty_four_levels_are_enough() -> None:
    documents, problems = read("[" * 64 + "]" * 64)
    assert (len(documents), problems) == (1, [])


def test_refuses_an_alias_bomb_at_once() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    assert set(codes("\n".join(lines))) == {"SPEC004"}


def test_refuses_a_merge_bomb_at_once() -> None:
    lines = ["a: &a {x: 1}"] + [
        f"{n}: &{n} {{<<: [{', '.join([f'*{b}'] * 9)}]}}" for b, n in zip("abcdef", "bcdefg", strict=True)
    ]
    assert set(codes("\n".join(lines))) == {"SPEC004"}


@pytest.mark.parametrize(
    "tag", ["!!python/object/apply:os.system [id]", "!!binary aGk=", "!custom x", "! x", "!!str 1"]
)
def test_refuses_tags(tag: str) -> None:
    assert codes(f"a: {tag}") == ["SPEC004"]


def test_names_both_lines_of_a_key_that_stands_twice() -> None:
    _, (problem,) = read("a: 1\nb: 2\na: 3\n")
    assert (problem.code, problem.line, problem.remedy) == ("SPEC005", 3, "first at line 1, column 1")


@pytest.mark.parametrize("key", ["1", "yes", "~", "null", "1.5", "0x1F", "? [a]\n", "? {a: b}\n", "''", "="])
def test_keys_are_text(key: str) -> None:
    expected = [] if key == "''" else ["SPEC006"]
    assert codes(f"{key}: x") == expected


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfa: b",
        b"a: \xff\xfe",
        b"a: \xc0\x80",
        "a: b".encode("utf-16"),
        b"a: \x00",
        b"a: \x1b[31m",
        "a: \u202eb",
        b'a: "\\x1b[31m"',
        b'a: "\\0"',
        "a: \u2028",
        "a: \x85",
        b"a: b\rc: d",
        b"a:\tb",
        b"a: b\tc",
        b"a:\n\tb: c",
    ],
)
def test_refuses_what_is_not_plain_text(content: bytes | str) -> None:
    assert codes(content) == ["SPEC002"]


def test_tabs_are_fine_in_quotes_blocks_and_comment_lines() -> None:
    assert codes('a: "x\ty"\nb: |\n  x\n  \tindented\n# \tcomment\n') == []


@pytest.mark.parametrize(
    "content",
    [
        f"a: [{CANARY}",
        f"a: '{CANARY}",
        f"a: b: {CANARY}: c",
        f"a: b\n {CANARY}: {{",
        f"a: {CANARY}\n---\n%{CANARY}\n",
        f"a: *{CANARY}",
        f"a: !{CANARY} x",
        f"a: &{CANARY} x",
        f"{CANARY} : {CANARY} : {CANARY}",
        f'a: "\\q{CANARY}"',
    ],
)
def test_no_message_quotes_the_file(content: str) -> None:
    problems = read(content)[1]
    assert problems
    assert CANARY not in "".join(str(problem) for problem in problems)


def test_several_documents_need_a_line_between_them() -> None:
    assert len(read("a: 1\n---\nb: 2\n")[0]) == 2
    assert codes("a: 1\n...\nb: 2\n") == ["SPEC003"]
    assert codes("a: 1\n...\n--- b\n...\n") == []
    assert read("# nothing\n---\n---\n") == ([], [])


def test_refuses_directives() -> None:
    assert codes("%YAML 1.1\n---\na: b\n") == ["SPEC004"]
    assert codes("%TAG ! tag:example.com,2000:\n---\na: b\n") == ["SPEC004"]


def test_every_limit_holds() -> None:
    assert codes(b"#" * (yaml_tree.MAX_FILE + 1)) == ["SPEC001"]
    assert codes("a: " + "x" * (yaml_tree.MAX_SCALAR + 1)) == ["SPEC001"]
    assert codes("'" + "k" * 600 + "': x") == ["SPEC006"]
    assert read("[a, b, c]", Budget(nodes=3))[1][0].code == "SPEC001"
    assert read("a: b\n---\nc: d", Budget(documents=1))[1][0].code == "SPEC001"
    assert read("a: b", Budget(bytes=3))[1][0].code == "SPEC001"


def test_limits_hold_over_all_files_together() -> None:
    budget = Budget(nodes=10)
    assert read("[a, b, c, d]", budget)[1] == []
    assert read("[a, b, c, d, e]", budget)[1][0].code == "SPEC001"


def test_many_tabs_and_many_quotes_take_no_quadratic_time() -> None:
    content = "a: [" + '"\t", ' * 60_000 + "]\n"
    assert codes(content) == []
    assert codes("a: [b" + "\t, b" * 60_000 + "]\n") == ["SPEC002"]


def test_the_slow_loader_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    content = "a: 'x'\nb: [1, {c: d}]\ne: |\n  x\n  \ttext\n---\nf: \"g\"\n"
    quick = read(content)
    monkeypatch.setattr(yaml_tree, "_LOADER", yaml.Loader)
    assert read(content) == quick
    assert codes("[" * 5_000)[0] == "SPEC001"
    assert codes(f"a: [{CANARY}") == ["SPEC003"]

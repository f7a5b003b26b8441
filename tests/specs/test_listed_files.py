"""Files of variables and labels: the lines mean what Compose means, and problems stand at their place."""

from __future__ import annotations

import pytest

from spec_texts import environment, service, spec_set_of
from specs.effective import Effective, effective
from specs.fingerprint import fingerprint
from specs.origin import values_of
from specs.problem import Problem, has_errors

CANARY = "canary-7f3a"


def resolve(*lines: str, more: str = "{}", **files: str) -> tuple[Effective | None, list[Problem]]:
    """The effective specs of a service with these lines; ``files`` are a.env, b.env and so on."""
    contents = {f"conf/{name}.env": text.encode() for name, text in files.items()}
    spec_set = spec_set_of(service("web", *lines), environment(f"variables: {more}"))
    return effective(spec_set, "dev", read_file=contents.get)


def read(*lines: str, more: str = "{}", **files: str) -> dict[str, object]:
    found, problems = resolve(*lines, more=more, **files)
    assert found is not None, [str(problem) for problem in problems]
    assert found.services["web"].env_file == ()
    return dict(found.services["web"].environment)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A=b", "b"),
        ("A=", ""),
        ("  export A = b c  ", "b c"),
        ("A=b # told", "b"),
        ("A=b#c", "b#c"),
        ("A=b=c", "b=c"),
        ("# A=x\n\nA=b\r\n", "b"),
        ("A=b\nA=c", "c"),
        ("A='b # $$ ${X} \\n'", "b # $$ ${X} \\n"),
        ('A="b # \\"c\\" \\n\\t\\\\" # told', 'b # "c" \n\t\\'),
        ("A='b\nc'\nB=", "b\nc"),
        ('A="b\nc" # told\nB=', "b\nc"),
        ("A=$${X}", "${X}"),
        ("A=x${X}y", "xthaty"),
        ('A="x${X}y \\$"', "xthaty $"),
        ("A=010", "010"),
    ],
)
def test_a_line_means_what_it_means_to_compose(text: str, value: str) -> None:
    assert read("env_file: conf/a.env", more="{X: that}", a=text)["A"] == value


def test_raw_lines_are_taken_as_they_are() -> None:
    found = read("env_file: [{path: conf/a.env, format: raw}]", a="A='x' # \"$Y ${Z} $$\nB=")
    assert found == {"A": "'x' # \"$Y ${Z} $$", "B": ""}


def test_environment_wins_over_files_and_the_later_file_over_the_one_before() -> None:
    lines = ("env_file: [conf/a.env, conf/b.env]", "environment: {A: own, D: {secret: db}}")
    found = read(*lines, a="A=a\nB=a\nC=a\nD=a", b="A=b\nB=b")
    assert {name: found[name] for name in "ABC"} == {"A": "own", "B": "b", "C": "a"}
    assert str(found["D"]) == "secret='db'"


def test_a_file_that_is_not_required_may_be_absent() -> None:
    assert read("env_file: [{path: conf/a.env, required: false}]") == {}


def test_labels_are_read_too_and_own_labels_win() -> None:
    found, _ = resolve("label_file: [conf/a.env]", "labels: {x: own}", a="x=file\ncom.example.y=z")
    assert found is not None
    assert found.services["web"].labels == {"x": "own", "com.example.y": "z"}


def test_variables_stand_in_paths_and_values() -> None:
    assert read("env_file: conf/${WHICH}.env", more="{WHICH: b, X: that}", b="A=${X}") == {"A": "that"}


def test_a_patch_names_other_files() -> None:
    patch = "patches: [{kind: Service, name: web, spec: {env_file: conf/b.env}}]"
    spec_set = spec_set_of(service("web", "env_file: conf/a.env"), environment(patch))
    contents = {"conf/a.env": b"A=a", "conf/b.env": b"A=b"}
    found, _ = effective(spec_set, "dev", read_file=contents.get)
    assert found is not None
    assert found.services["web"].environment == {"A": "b"}
    assert found.listed_files == {"conf/b.env"}


def test_a_value_knows_its_line_and_moving_it_makes_no_other_instance() -> None:
    found, _ = resolve("env_file: conf/a.env", a="# told\nA=b\n")
    assert found is not None
    (value,) = (v for v in values_of(found, "Service", "web") if v.path == ("environment", "A"))
    assert (value.origin.file, value.origin.line) == ("conf/a.env", 2)
    inline, _ = resolve("environment: {A: b}")
    assert inline is not None
    marks = {fingerprint(effect.services["web"], {}, {}) for effect in (found, inline)}
    assert len(marks) == 1


@pytest.mark.parametrize(
    ("line", "text", "said"),
    [
        ("env_file: conf/b.env", "", 'specs/a.yaml:6:13: Service web: file "conf/b.env" is not there'),
        ("env_file: ../a.env", "", "specs/a.yaml:6:13: Service web: a file that leaves the repository"),
        ("env_file: /etc/passwd", "", "specs/a.yaml:6:13: Service web: a file that leaves the repository"),
        ("env_file: .git/config", "", "specs/a.yaml:6:13: Service web: a file that leaves the repository"),
        ("env_file: conf/a.env", "A=b\nALONE", "conf/a.env:2:1: Service web: a name without a value"),
        ("env_file: conf/a.env", f"A=b\n{CANARY} x", "conf/a.env:2:1: Service web: a line that cannot"),
        ("env_file: conf/a.env", f"A='{CANARY}", "conf/a.env:1:3: Service web: a quoted value that cannot"),
        ("env_file: conf/a.env", f'A="{CANARY}" x', "conf/a.env:1:3: Service web: a quoted value that"),
        ("env_file: conf/a.env", f"A={CANARY}\0", "conf/a.env:1:1: Service web: a file that is not plain"),
        ("env_file: conf/a.env", f"A=b\n B={CANARY}$C", "conf/a.env:2:4: Service web: a dollar sign"),
        ("env_file: conf/a.env", f"A={CANARY}${{C}}", 'conf/a.env:1:3: Service web: variable "C" is not'),
        ("label_file: conf/a.env", f"reconciler.x={CANARY}", 'conf/a.env:1:1: Service web: field "labels'),
        ("env_file: conf/a.env", f"A={CANARY}" * 40_000, "conf/a.env:1:1: Service web: a file of more than"),
    ],
)
def test_problems_stand_at_their_place_without_any_value(line: str, text: str, said: str) -> None:
    found, problems = resolve(line, a=text)
    assert found is None
    assert has_errors(problems)
    told = "\n".join(str(problem) for problem in problems)
    assert said in told
    assert CANARY not in told


def test_a_secret_may_stand_in_a_value_of_a_file() -> None:
    assert read("env_file: conf/a.env", a="URL=pg://u:${secret:db}@h") == {"URL": "pg://u:${secret:db}@h"}

"""The text of every message: each case is one spec file and the problems that it has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from specs.effective import effective
from specs.load import SpecFile, load
from specs.problem import CODES, Problem, has_errors

CASES = Path(__file__).parent / "messages"
FILES = ("conf/app.conf", "specs/case.yaml")
CANARY = "canary-7f3a"


def problems_of(content: bytes) -> list[Problem]:
    """Those of the load; when it has no errors, those of every environment too."""
    spec_set, problems = load([SpecFile("specs/case.yaml", content)])
    if not has_errors(problems):
        for name in spec_set.environments:
            problems += effective(spec_set, name, file_paths=FILES)[1]
    return problems


@pytest.mark.parametrize("case", sorted(path.stem for path in CASES.glob("*.yaml")))
def test_says_what_is_wrong(case: str) -> None:
    text = "".join(f"{problem}\n" for problem in problems_of((CASES / f"{case}.yaml").read_bytes()))
    assert text == (CASES / f"{case}.txt").read_text()
    assert CANARY not in text


def test_shows_every_code_of_one_file() -> None:
    shown = {code for path in CASES.glob("*.txt") for code in re.findall(r"\[(SPEC\d+)]", path.read_text())}
    made_elsewhere = {
        "SPEC001",
        "SPEC009",
        "SPEC021",
        "SPEC036",
        "SPEC037",
    }  # test_load.py, test_yaml_tree.py
    assert shown | made_elsewhere == set(CODES)

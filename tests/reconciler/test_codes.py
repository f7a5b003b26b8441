"""Every code that a message can bear is documented, once."""

from __future__ import annotations

import re
from pathlib import Path

import reconciler
from reconciler.cli.codes import CODES
from reconciler.codes import PLAN_CODES, RUN_CODES

FOLDER = Path(reconciler.__file__).parent


def used(pattern: str) -> set[str]:
    sources = [path for path in FOLDER.rglob("*.py") if path.name != "codes.py"]
    return {code for path in sources for code in re.findall(rf'"({pattern})"', path.read_text())}


def test_codes_of_the_command_line_are_documented_and_used() -> None:
    assert used(r"(?:CLI|INIT|SEC|SRC)\d{3}") == set(CODES)


def test_codes_of_plans_are_documented_and_used() -> None:
    assert used(r"(?:PLAN|RUN)\d{3}") == {*PLAN_CODES, *RUN_CODES}

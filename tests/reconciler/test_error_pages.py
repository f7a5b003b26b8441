"""Every code that a message can bear has a section in docs/errors.md, and what it shows is what is said."""

from __future__ import annotations

import re
from pathlib import Path

import reconciler
from reconciler.cli.error_pages import ABOUT, FOLDER, explanations, family_of, meanings, page, written

ROOT = Path(reconciler.__file__).parents[1]
PAGE = Path(__file__).resolve().parents[2] / "docs" / "errors.md"
WITHOUT_PLACE = ("providers/memory",)
"""Packages that no command uses."""


def raised() -> dict[str, str]:
    """Every code in the sources, and a file that has it."""
    found: dict[str, str] = {}
    for folder in ("specs", "reconciler", "providers"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith(WITHOUT_PLACE):
                found |= dict.fromkeys(re.findall(r'"([A-Z]{3,5}\d{3})"', path.read_text()), name)
    return found


def to_add(code: str, file: str) -> str:
    family = family_of(code)
    table = "" if code in meanings() else f"{file}: give {code} a meaning in the table of its family\n"
    about = "" if family in ABOUT else f"reconciler/cli/error_pages.py: {family} in ABOUT and meanings()\n"
    given = 'given = """\n<fields of a Service that bring it about>\n"""\n' if family == "SPEC" else ""
    place = f"reconciler/cli/errors/{family}.toml"
    text = f'[{code}]\n{given}cause = "<why it comes up>"\nremedy = "<what to do>"\n'
    return f"{table}{about}{place}: add\n\n{text}"


def test_every_code_is_explained() -> None:
    known = explanations()
    missing = {code: file for code, file in raised().items() if code not in known}
    assert not missing, "\n" + "\n".join(to_add(code, file) for code, file in sorted(missing.items()))


def test_no_explanation_is_left_over() -> None:
    codes = set(written())
    assert codes - set(raised()) == set(), "in reconciler/cli/errors/ and nowhere in the code"
    assert codes - set(meanings()) == set(), "in reconciler/cli/errors/ and without a meaning"


def test_the_page_is_not_stale() -> None:
    assert PAGE.read_text() == page(), "run: reconciler explain > docs/errors.md"


def test_each_is_in_the_file_of_its_family_and_complete() -> None:
    families = {path.stem: path.read_text() for path in FOLDER.glob("*.toml")}
    for code, explanation in explanations().items():
        home = families.get(family_of(code), families["CLI"])
        assert f"[{code}]" in home
        assert explanation.cause.endswith((".", '"')), code
        assert explanation.remedy, code
        assert not explanation.example or f"[{code}]" in explanation.example, code


def test_what_was_written_brings_the_message_about() -> None:
    silent = [code for code, found in explanations().items() if found.given and not found.example]
    assert silent == [], "what `given` says in reconciler/cli/errors/ has no message with this code"

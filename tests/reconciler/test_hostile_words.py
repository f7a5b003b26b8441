"""Words from outside are shown as what they are: no terminal, build service or forge obeys them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.render import escape
from reconciler.render_markdown import fence, render_markdown

WORDS = [
    "\x1b[2J\x1b]0;owned\x07",
    "\u202egnp.exe",
    "line\r\nreconciler: all is well",
    "##[error]x",
    "done ##vso[task.setvariable variable=a]b",
    "```\n# heading",
    "<script>alert(1)</script>",
    "![x](https://example.com/x)",
    "[x](javascript:alert(1))",
    "@everyone #1 !2",
    "\ud800",
    "a" * 100_000,
]


@pytest.mark.parametrize("word", WORDS)
def test_a_line_stays_one_printable_line(word: str) -> None:
    shown = escape(word)
    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1
    assert "##[" not in shown
    assert "##vso[" not in shown
    assert len(shown) <= 2_000 * 10


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
@example("####[[")
@example("##vso[##vso[")
def test_any_text_stays_one_printable_line(text: str) -> None:
    shown = escape(text)
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert "##[" not in shown
    assert "##vso[" not in shown


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="`~\n #@a<>[]()!|*_", max_size=100))
def test_no_text_ends_its_fence(text: str) -> None:
    lines = fence(text).splitlines()
    ticks = lines[0].removesuffix("text")
    assert lines[-1] == ticks
    assert all(ticks not in line for line in lines[1:-1])


@pytest.mark.parametrize("word", WORDS)
def test_a_comment_calls_nobody_and_runs_nothing(word: str) -> None:
    made = render_markdown(word, word, word)
    assert len(made) < 65_536 + len(word) * 2
    head = made.partition("<details>")[0]
    for bad in ("<script", "](", "@everyone", "#1"):
        assert bad not in head.replace("\\<script", "").replace("\\]\\(", "")
    assert "\n# heading" not in head
    assert "@everyone" not in made

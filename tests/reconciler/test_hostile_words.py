"""Words from outside are shown as what they are: no terminal, build service or forge obeys them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.render import escape
from reconciler.render_markdown import code_span, escape_inline, fence

WORDS = [
    "\x1b[2J\x1b]0;owned\x07",
    "\u202egnp.exe",
    "line\r\nreconciler: all is well",
    "##[error]x",
    "::error::x",
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
def test_a_word_in_markdown_calls_nobody_and_runs_nothing(word: str) -> None:
    for made in (escape_inline(word), code_span(word)):
        assert made.isprintable() or "\u2060" in made
        for bad in ("@everyone", "#1", "[x](", "![x]", "://", "##["):
            assert bad not in made or (made.startswith("`") and bad in ("[x](", "![x]", "://"))
        assert "<script" not in made or made.startswith("`") or "\\<script" in made


@pytest.mark.parametrize(
    "word", ["::error::x", "  ::set-output name=a::b", "::add-mask::secret", "##teamcity[x]"]
)
def test_no_word_is_a_command_of_a_build_service(word: str) -> None:
    assert not escape(word).lstrip().startswith("::")
    assert "##teamcity[" not in escape(word)


def test_an_address_is_no_command() -> None:
    assert escape("::1") == "::1"

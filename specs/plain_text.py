"""Bytes -> plain text: UTF-8 without a byte order mark, control characters or tabs outside quotes."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

from specs.problem import Place, Report

FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]|\r(?!\n)"
)
"""Control characters, invisible line ends, and what turns the direction of text around."""

_WORDS = {"\ufeff": "a byte order mark", "\r": "a carriage return that ends no line"}


def decode_text(file: str, content: bytes, report: Report) -> str | None:
    """The text, or None with the problem reported."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        place = Place(file, before.count(b"\n") + 1, error.start - before.rfind(b"\n"))
        report.add("SPEC002", place, "bytes that are not UTF-8", expected="UTF-8 text")
        return None
    if match := FORBIDDEN.search(text):
        what = _WORDS.get(match[0], "a control character")
        report.add(
            "SPEC002", _place_at(file, text, match.start()), what, expected="plain text", remedy="remove it"
        )
        return None
    return text


def _place_at(file: str, text: str, index: int) -> Place:
    return Place(file, text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index))


def check_tabs(file: str, text: str, spans: Sequence[tuple[int, int]], report: Report) -> None:
    """A tab is fine in quoted text, block text and comment lines; elsewhere editors and YAML disagree.
    Only the first is reported. ``spans`` are the quoted and block scalars, in order."""
    starts = [low for low, _ in spans]
    for match in re.finditer("\t+", text):
        start = match.start()
        line_start = text.rfind("\n", 0, start) + 1
        span = bisect_right(starts, start) - 1
        quoted = span >= 0 and start < spans[span][1]
        if not quoted and not text[line_start:start].lstrip(" ").startswith("#"):
            report.add("SPEC002", _place_at(file, text, start), "a tab outside quotes", expected="spaces")
            return

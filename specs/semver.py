"""Which of two versions is the newer one: Semantic Versioning 2.0.0, section 11. Pure.

A tag may have something before its version that the pattern writes out (``web-`` of ``web-v*``), and a ``v``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

_NUMBER = r"(?:0|[1-9][0-9]{0,17})"
_WORD = rf"(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_VERSION = re.compile(
    rf"v?(?P<release>{_NUMBER}\.{_NUMBER}\.{_NUMBER})(?:-(?P<pre>{_WORD}(?:\.{_WORD})*))?"
    r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)
_WILDCARD = re.compile(r"[*?]")
_SEPARATORS = "-_/"


class _Word(NamedTuple):
    """One identifier of a pre-release: numbers come before texts, and are compared as numbers."""

    is_text: bool
    number: int
    text: str


class Version(NamedTuple):
    """A version without its build metadata, which the order does not know. Compared field by field: one that
    is final comes after all of its pre-releases."""

    release: tuple[int, ...]
    is_final: bool = True
    pre: tuple[_Word, ...] = ()


def read_version(tag: str, pattern: str) -> Version | None:
    """The version that a tag under this pattern names; None when it names none."""
    match = next((m for start in _starts(tag, pattern) if (m := _VERSION.fullmatch(tag, start))), None)
    if match is None:
        return None
    words = match["pre"].split(".") if match["pre"] else []
    release = tuple(int(part) for part in match["release"].split("."))
    return Version(release, not words, tuple(_read_word(word) for word in words))


def newest(tags: Iterable[str], pattern: str) -> str | None:
    """The tag of the highest version; of equal ones (build metadata counts for nothing) the one whose text
    is last. None when none of them names a version."""
    read = [(version, tag) for tag in tags if (version := read_version(tag, pattern)) is not None]
    return max(read)[1] if read else None


def _starts(tag: str, pattern: str) -> list[int]:
    """Where the version may begin: at the start, or after what the pattern writes out up to a separator."""
    wildcard = _WILDCARD.search(pattern)
    written = pattern[: wildcard.start()] if wildcard else pattern
    ends = [at + 1 for at, letter in enumerate(written) if letter in _SEPARATORS]
    return [0] + [end for end in reversed(ends) if tag.startswith(written[:end])]


def _read_word(word: str) -> _Word:
    return _Word(False, int(word), "") if word.isdigit() else _Word(True, 0, word)

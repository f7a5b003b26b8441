"""Globs over paths as regular expressions, linear in the path whatever the glob is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

_BRACKET = re.compile(r"\[(\^?)((?:\\.|[^\]\\])+)\]", re.DOTALL)
COMPONENT_END = r"(?=/|\Z)"
"""The glob may name a folder: what lies below it matches too."""
PATH_END = r"\Z"
"""The glob names the whole path."""


def translate(glob: str, end: str = COMPONENT_END) -> str:
    """A regular expression for ``glob`` without captures, that no path makes slow; ``end`` must follow.

    ``*`` and ``?`` stay within a name, ``**/`` is any number of folders, ``/**`` everything below, ``[…]``
    and ``\\x`` as in Go's ``filepath.Match``. Raises ValueError, IndexError or re.error where it is none.

    A path of components is matched from the left, the earliest place first and for good (an atomic
    group): whatever follows ``*`` or ``**`` can take up the rest, so a later place is never better.
    """
    if glob.startswith("**") and not re.search(r"[*?\[\\]", glob[2:]):
        # A leading ** alone is a plain comparison of endings, across folders.
        ending = glob[2:]
        start = r"(?:[\s\S]*/)?" if ending.startswith("/") else r"[\s\S]*"
        return start + re.escape(ending.removeprefix("/")) + end
    parts = [part for part, before in pairwise(["", *_parts(glob)][::-1]) if not part == before == _DEEP][
        ::-1
    ]
    deep = [n for n, part in enumerate(parts) if part == _DEEP]
    if any(n and parts[n - 1] != "/" for n in deep):
        return _plain(parts) + end
    segments = _split(parts, _DEEP)
    expression = _segment(segments[0])
    for n, segment in enumerate(segments[1:], 2):
        last = end if n == len(segments) else ""
        expression += rf"(?>(?:[\s\S]*?/)??{_segment(segment)}{last})"
    return expression + end


_STAR, _DEEP, _REST = "*", "**", "**$"
_MAX_ODD_WILDCARDS = 4


def _plain(parts: list[str]) -> str:
    """``**`` in the middle of a name: no order of matching is best, so few wildcards are allowed."""
    expressions = {_STAR: "[^/]*", _DEEP: r"(?:[\s\S]*/)?", _REST: r"[\s\S]*"}
    if sum(part in expressions for part in parts) > _MAX_ODD_WILDCARDS:
        raise ValueError("too many wildcards beside a ** within a name")
    return "".join(expressions.get(part, part) for part in parts)


def _segment(parts: list[str]) -> str:
    """Components between two ``**``."""
    rest = bool(parts) and parts[-1] == _REST
    components = _split(parts[:-1] if rest else parts, "/")
    return "/".join(_component(component) for component in components) + (r"[\s\S]*" if rest else "")


def _component(parts: list[str]) -> str:
    """One name: all but its last star take the shortest that fits, for good."""
    head, *runs = ("".join(run) for run in _split(parts, _STAR))
    if not runs:
        return head
    return head + "".join(f"(?>[^/]*?{run})" for run in runs[:-1]) + f"[^/]*{runs[-1]}"


def _split(parts: list[str], separator: str) -> list[list[str]]:
    runs: list[list[str]] = [[]]
    for part in parts:
        if part == separator:
            runs.append([])
        else:
            runs[-1].append(part)
    return runs


def _parts(glob: str) -> Iterator[str]:
    """Wildcards by their own names, everything else as an expression for one character."""
    at = 0
    while at < len(glob):
        if glob.startswith("**", at):
            at += 3 if glob.startswith("**/", at) else 2
            yield _REST if at >= len(glob) else _DEEP
        elif glob[at] == "*":
            at += 1
            yield _STAR
        elif glob[at] == "[":
            bracket = _BRACKET.match(glob, at)
            if not bracket:
                raise ValueError("an unfinished range")
            at = bracket.end()
            yield f"[{bracket[1]}{_escape_range(bracket[2])}]"
        elif glob[at] == "\\":
            at += 2
            yield re.escape(glob[at - 1])  # an IndexError is a trailing backslash
        else:
            at += 1
            yield "[^/]" if glob[at - 1] == "?" else re.escape(glob[at - 1])


def _escape_range(text: str) -> str:
    """The inside of ``[…]`` with only ``-`` and escapes left special."""
    return re.sub(r"\\(.)|([^\\-])", lambda m: re.escape(m[1] or m[2]), text, flags=re.DOTALL)

"""The rules of a ``.dockerignore``: what of a folder never reaches the builder.

Semantics: Docker's documentation, "Build context", section ".dockerignore files": Go's ``filepath.Match``
plus ``**``, exceptions with ``!``, the last rule that matches a path or one of its folders decides.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from specs.glob import translate

_BOM = "\ufeff"
_WILD = re.compile(r"\[(?:\\.|[^\]\\])*\]|\\.|[*?/]+", re.DOTALL)
_UNDER = r"(?:/[\s\S]*)?\Z"
MAX_RULES = 1_000


class InvalidIgnoreRule(ValueError):
    """A rule that Docker's builder refuses too; ``line`` counts from 1."""

    def __init__(self, line: int, rule: str, reason: str) -> None:
        super().__init__(f"line {line}: {rule!r}: {reason}")
        self.line = line
        self.rule = rule
        self.reason = reason


@dataclass(frozen=True, slots=True)
class _Rule:
    line: int
    exception: bool
    expression: str
    literal: str
    """Text that every path which the rule matches contains."""


@dataclass(frozen=True, slots=True)
class IgnoreRules:
    """Rules in the order of their file."""

    _rules: tuple[_Rule, ...] = ()

    def excludes(self, path: str) -> bool:
        """Whether the file at ``path`` (relative to the context, '/' between folders) is left out."""
        return self.stays([path]) == [False]

    def stays(self, paths: Sequence[str]) -> list[bool]:
        """For each path, whether it stays."""
        text = "\0".join(paths) if self._rules else ""
        # Most rules name what git never holds (node_modules, *.pyc): one look at all paths drops them.
        decision = _decision(tuple(rule for rule in self._rules if rule.literal in text))
        if decision is None:
            return [True] * len(paths)
        match, exceptions = decision.expression.match, decision.exceptions
        if not exceptions:
            return [match(path) is None for path in paths]
        return [(m := match(path)) is None or m.lastindex in exceptions for path in paths]


def parse_ignore(text: str) -> IgnoreRules:
    """Rules from the text of a ``.dockerignore``. Raises ``InvalidIgnoreRule``."""
    rules = tuple(rule for n, line in enumerate(_lines(text), 1) if (rule := _rule(n, line)))
    if len(rules) > MAX_RULES:
        raise InvalidIgnoreRule(rules[MAX_RULES].line, "", f"more than {MAX_RULES} rules")
    return IgnoreRules(rules)


@dataclass(frozen=True, slots=True)
class _Decision:
    """One expression for all rules; a match of one of the groups ``exceptions`` lets the path stay."""

    expression: re.Pattern[str]
    exceptions: frozenset[int]


@lru_cache(maxsize=64)
def _decision(rules: tuple[_Rule, ...]) -> _Decision | None:
    """None when nothing is excluded.

    The last rule that matches decides: an alternation tries them in order, so they stand in reverse.
    Neighbours of one sign decide alike and share a group.
    """
    groups = [(sign, list(run)) for sign, run in groupby(reversed(rules), key=lambda rule: rule.exception)]
    if groups and groups[-1][0]:
        groups.pop()  # exceptions before anything is excluded change nothing
    if not groups:
        return None
    pattern = "|".join(f"({'|'.join(rule.expression for rule in run)})" for _, run in groups)
    exceptions = frozenset(n for n, (sign, _) in enumerate(groups, 1) if sign)
    return _Decision(re.compile(rf"(?:{pattern}){_UNDER}"), exceptions)


def _lines(text: str) -> list[str]:
    return [line.removesuffix("\r") for line in text.removeprefix(_BOM).split("\n")]


def _rule(number: int, line: str) -> _Rule | None:
    if line.startswith("#") or not (pattern := line.strip()):
        return None
    exception = pattern.startswith("!")
    glob = pattern[1:].strip() if exception else pattern
    if not glob:
        raise InvalidIgnoreRule(number, pattern, "an exception needs a pattern")
    glob = posixpath.normpath(glob)
    glob = glob[2:] if glob.startswith("//") else glob
    glob = glob[1:] if len(glob) > 1 and glob.startswith("/") else glob
    try:
        expression = translate(glob)
        re.compile(expression)
    except (ValueError, IndexError, re.error) as error:
        raise InvalidIgnoreRule(number, pattern, "not a pattern that Docker understands") from error
    return _Rule(number, exception, expression, max(_WILD.split(glob), key=len))

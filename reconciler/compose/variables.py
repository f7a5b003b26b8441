"""Compose's interpolation: ``$NAME``, ``${NAME}`` with ``:-``, ``-``, ``:?``, ``?``, ``:+``, ``+``; ``$$``.

Values come from the repository's ``.env`` alone. What has none, and what looks like a password, stays in the
text as a mark, so that the conversion decides what to write there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from reconciler.compose.passwords import looks_secret
from reconciler.compose.tree import ComposeError
from reconciler.compose.yaml_file import Override

_START, _END = "\ue000", "\ue001"
MARK: Final = re.compile(f"{_START}([0-9]{{1,6}}){_END}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MAX_DEPTH: Final = 20
_MAX_LENGTH: Final = 1 << 20
_MAX_SPENT: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class Found:
    """A variable that stays: ``missing`` has no value, ``required`` must get one, ``secret`` has one."""

    kind: Literal["missing", "required", "secret"]
    name: str
    value: str = ""


@dataclass(slots=True)
class Marks:
    """All variables that stay, shared by every file of a project."""

    found: list[Found] = field(default_factory=list)
    spent: int = 0
    """Characters that interpolation has made so far, in all texts together."""
    _numbers: dict[Found, int] = field(default_factory=dict, repr=False)

    def mark(self, found: Found) -> str:
        """The text that stands for a variable."""
        number = self._numbers.setdefault(found, len(self.found))
        if number == len(self.found):
            self.found.append(found)
        return f"{_START}{number}{_END}"

    def fill(self, text: str, put: Callable[[Found], str]) -> str:
        """The text with every mark replaced."""
        return MARK.sub(lambda match: put(self.found[int(match[1])]), text)

    def within(self, text: str) -> list[Found]:
        """The variables that a text holds."""
        return [self.found[int(number)] for number in MARK.findall(text)]

    def value(self, text: str) -> str:
        """The text as Compose makes it: nothing where there is no value."""
        return self.fill(text, lambda found: found.value)


@dataclass(frozen=True, slots=True)
class Scope:
    """The variables that one project folder gives, and the marks of the whole project."""

    values: Mapping[str, str]
    marks: Marks

    def walk(self, value: object, where: str) -> object:
        """The same tree with every string interpolated; keys stay. Raises ComposeError."""
        if isinstance(value, dict):
            return {key: self.walk(part, f"{where}.{key}") for key, part in value.items()}
        if isinstance(value, list):
            return [self.walk(part, where) for part in value]
        if isinstance(value, Override):
            return Override(self.walk(value.value, where))
        return self.put(value, where) if isinstance(value, str) else value

    def put(self, text: str, where: str) -> str:
        """One text. Raises ComposeError, which names the place and not the text."""
        if _START in text or _END in text:
            raise ComposeError(f"{where}: a character of Unicode's private use area")
        if "$" not in text:
            return text
        found, _ = _Reading(self, where).read(text, 0, False, 0)
        self.marks.spent += len(self.marks.value(found))
        if self.marks.spent > _MAX_SPENT:
            raise ComposeError(f"{where}: too much text once its variables are put in")
        return found

    def resolve(self, name: str) -> str | None:
        """A variable's value, as a mark when its name is that of a password; None when it has none."""
        if name == "PWD" and name not in self.values:
            return "."  # The project's folder, which is where the files are.
        value = self.values.get(name)
        return value if value is None else self.shield(name, value)

    def shield(self, name: str, value: str) -> str:
        """A value, or its mark when it is a password by its variable's name."""
        if not looks_secret(name, value):
            return value
        return self.marks.mark(Found("secret", name, self.marks.value(value)))


@dataclass(frozen=True, slots=True)
class _Reading:
    scope: Scope
    where: str

    def read(self, text: str, at: int, inside: bool, depth: int) -> tuple[str, int]:
        """Text from ``at`` to the end, or to the brace that closes when ``inside``; and where that is."""
        if depth > _MAX_DEPTH:
            raise ComposeError(f"{self.where}: variables nested too deeply")
        out: list[str] = []
        length = 0
        while at < len(text) and not (inside and text[at] == "}"):
            if text[at] == "$":
                piece, at = self._dollar(text, at + 1, depth)
            else:
                piece, at = text[at], at + 1
            out.append(piece)
            length += len(piece)
            if length > _MAX_LENGTH:
                raise ComposeError(f"{self.where}: a value of more than a megabyte")
        return "".join(out), at

    def _dollar(self, text: str, at: int, depth: int) -> tuple[str, int]:
        if text.startswith("$", at):
            return "$", at + 1
        if text.startswith("{", at):
            return self._braced(text, at + 1, depth)
        match = _NAME.match(text, at)
        if not match:
            raise ComposeError(f"{self.where}: a dollar sign that stands for nothing: write $$")
        value = self.scope.resolve(match[0])
        return self._missing(match[0]) if value is None else value, match.end()

    def _braced(self, text: str, at: int, depth: int) -> tuple[str, int]:
        match = _NAME.match(text, at)
        operator = re.compile(r":?[-?+]").match(text, match.end()) if match else None
        if not match or not (operator or text.startswith("}", match.end())):
            raise ComposeError(f"{self.where}: an expression in ${{}} that Compose does not know")
        name = match[0]
        value = self.scope.resolve(name)
        if operator is None:
            return self._missing(name) if value is None else value, match.end() + 1
        rest, end = self.read(text, operator.end(), True, depth + 1)
        if end >= len(text):
            raise ComposeError(f"{self.where}: ${{ without its brace")
        return self._chosen(name, value, operator[0], rest), end + 1

    def _chosen(self, name: str, value: str | None, operator: str, rest: str) -> str:
        """What ``${name<operator>rest}`` stands for."""
        is_set = bool(value) if operator.startswith(":") else value is not None
        if operator.endswith("+"):
            return rest if is_set else ""
        if is_set:
            return value or ""
        if operator.endswith("-"):
            return self.scope.shield(name, rest) if rest else ""
        return self.scope.marks.mark(Found("required", name))

    def _missing(self, name: str) -> str:
        return self.scope.marks.mark(Found("missing", name))

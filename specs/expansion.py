"""Variables and quotes in the words of a Dockerfile: ``$X``, ``${X}``, ``${X:-d}``, ``${X:+a}`` and kin."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]|[@*#]")
_MAX_DEPTH = 16
_MAX_LENGTH = 64 << 10


class Undetermined(ValueError):
    """The word's value cannot be told; the message says why."""


Lookup = Callable[[str], str | None]
"""The value of a variable, None when it is not set; raises ``Undetermined`` where that cannot be told."""


def expand(word: str, lookup: Lookup, escape: str = "\\") -> str:
    """The value of a word: quotes removed, variables replaced.

    A variable that is not set is ``Undetermined`` unless its own expression gives a value.
    """
    return _Expansion(lookup, escape).read(word, 0, "", 0)[0]


@dataclass(frozen=True, slots=True)
class _Expansion:
    lookup: Lookup
    escape: str

    def read(self, text: str, at: int, stop: str, depth: int) -> tuple[str, int]:
        """Text up to an unquoted ``stop`` or the end, and where that is."""
        if depth > _MAX_DEPTH:
            raise Undetermined("variables nested too deeply")
        out: list[str] = []
        quoted = False
        while at < len(text) and (quoted or not stop or text[at] != stop):
            char = text[at]
            if char == '"':
                quoted, at = not quoted, at + 1
            elif char == "'" and not quoted:
                end = text.find("'", at + 1)
                if end < 0:
                    raise Undetermined("a quote without its end")
                out.append(text[at + 1 : end])
                at = end + 1
            elif char == self.escape and at + 1 < len(text):
                keep = quoted and text[at + 1] not in ('"', "$", self.escape)
                out.append(text[at : at + 2] if keep else text[at + 1])
                at += 2
            elif char == "$":
                value, at = self._variable(text, at + 1, depth)
                out.append(value)
            else:
                out.append(char)
                at += 1
        if quoted:
            raise Undetermined("a quote without its end")
        value = "".join(out)
        if len(value) > _MAX_LENGTH:
            raise Undetermined("a value of more than 64 KiB")
        return value, at

    def _variable(self, text: str, at: int, depth: int) -> tuple[str, int]:
        """The value of the variable whose name or brace stands at ``at``, and where it ends."""
        braced = text.startswith("{", at)
        match = _NAME.match(text, at + braced)
        if not match:
            if braced:
                raise Undetermined("${ without a name")
            return "$", at
        name, at = match[0], match.end()
        if not braced:
            return self._value(name), at
        if text.startswith("}", at):
            return self._value(name), at + 1
        colon = text.startswith(":", at)
        operator = text[at + colon : at + colon + 1]
        if operator not in ("-", "+", "?"):
            raise Undetermined(f"${{{name}{text[at : at + 2]}…}} is not an expression that we know")
        word, end = self._operand(text, at + colon + 1, operator, self._is_set(name, colon), depth)
        if end >= len(text):
            raise Undetermined(f"${{{name} without its brace")
        if operator == "+":
            return word, end + 1
        return (self._value(name) if self._is_set(name, colon) else word), end + 1

    def _operand(self, text: str, at: int, operator: str, is_set: bool, depth: int) -> tuple[str, int]:
        """The operand's value, empty when the expression does not need it, and where it ends."""
        needed = operator == "+" if is_set else operator == "-"
        if operator == "?" and not is_set:
            raise Undetermined("a variable that must be set is not")
        if needed:
            return self.read(text, at, "}", depth + 1)
        _, end = _Expansion(lambda _: "", self.escape).read(text, at, "}", depth + 1)
        return "", end

    def _is_set(self, name: str, colon: bool) -> bool:
        value = self.lookup(name)
        return bool(value) if colon else value is not None

    def _value(self, name: str) -> str:
        value = self.lookup(name)
        if value is None:
            raise Undetermined(f"{name} has no value")
        return value

"""``.env`` and ``env_file``: ``NAME=value`` lines quotes, comments and variables as in Compose."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from reconciler.compose.tree import ComposeError
from reconciler.compose.variables import Marks, Scope

_LINE: Final = re.compile(r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*([=:]?)[ \t]*")
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$"}


def read_dotenv(content: bytes, path: str, known: Mapping[str, str], marks: Marks) -> dict[str, str | None]:
    """The variables of a file; None for a name without a value. ``known`` are those given before it, which
    its own values may name. Raises ComposeError, which names the line and never quotes it."""
    text = content.decode("utf-8-sig", errors="replace").replace("\r\n", "\n")
    found: dict[str, str | None] = {}
    at = 0
    while at < len(text):
        line = text.count("\n", 0, at) + 1
        where = f"{path}:{line}"
        rest = text[at:].lstrip(" \t")
        if rest.startswith(("#", "\n")) or not rest:
            at = _end_of_line(text, at)
            continue
        match = _LINE.match(text, at)
        if not match:
            raise ComposeError(f"{where}: no line of the form NAME=value")
        if not match[2]:
            found[match[1]] = known.get(match[1])
            at = _end_of_line(text, match.end())
            continue
        scope = Scope({**known, **{k: v for k, v in found.items() if v is not None}}, marks)
        value, at = _value(text, match.end(), scope, where)
        found[match[1]] = known.get(match[1], value)
    return found


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _value(text: str, at: int, scope: Scope, where: str) -> tuple[str, int]:
    quote = text[at : at + 1]
    if quote in ("'", '"'):
        end = _closing(text, at, quote, where)
        inside = text[at + 1 : end]
        if quote == "'":
            return inside, _end_of_line(text, end)
        return _plain(scope, _unescape(inside), where), _end_of_line(text, end)
    end = _end_of_line(text, at)
    line = text[at:end].rstrip("\n")
    bare = re.split(r"(?:^|[ \t])#", line, maxsplit=1)[0].strip()
    return _plain(scope, bare, where), end


def _plain(scope: Scope, text: str, where: str) -> str:
    """The value with its variables put in, without marks: it may be put into another one."""
    return scope.marks.value(scope.put(text, where)) if "$" in text else text


def _closing(text: str, at: int, quote: str, where: str) -> int:
    end = at + 1
    while end < len(text):
        if text[end] == "\\" and quote == '"':
            end += 2
        elif text[end] == quote:
            return end
        else:
            end += 1
    raise ComposeError(f"{where}: a quote without its end")


def _unescape(text: str) -> str:
    """Escapes of a double-quoted value; an escaped dollar stays one through interpolation."""

    def put(match: re.Match[str]) -> str:
        letter = match[1]
        if letter == "$":
            return "$$"
        return _ESCAPES.get(letter, match[0])

    return re.sub(r"\\(.)", put, text)

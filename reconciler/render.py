"""How values become words: escaping, times, values, verbs, colours. Pure.

Whatever comes from outside (names of live objects, output of containers, commit text) goes through
``escape``, so that nothing can drive the reader's terminal or pose as a line of ours.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.desired import Json

_MAX_VALUE = 60
_COMMANDS = re.compile(r"##(?=\w*\[)")
"""What makes a build service obey a line of its log, wherever in the line it stands."""
_LINE_COMMANDS = re.compile(r"^(\s*):(?=:[A-Za-z])", re.MULTILINE)
"""What does so at the beginning of a line."""
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
MASKED = "(masked)"
_SHORT = 12
_LONG_NAMES = re.compile(r"\b(sha256:|sha512:|in-)([0-9a-f]{32,128})\b")


def escape(text: str, limit: int = 2000) -> str:
    """One printable line: control, format and bidirectional characters become ``\\x…`` or ``\\u…``."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    cut = harmless(cut)
    return "".join(_escape_character(c) if unicodedata.category(c) in _HIDDEN else c for c in cut)


def harmless(text: str) -> str:
    """Lines of which none is a command to the build service whose log they end up in."""
    return _LINE_COMMANDS.sub(r"\1: ", _COMMANDS.sub("# #", text))


def _escape_character(character: str) -> str:
    known = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
    point = ord(character)
    if character in known:
        return known[character]
    if point < 0x100:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def shorten(text: str) -> str:
    """One printable line in which digests and image keys are cut to what tells them apart."""
    return _LONG_NAMES.sub(lambda match: match[1] + match[2][:_SHORT], escape(text))


def format_time(at: float | None) -> str | None:
    """RFC 3339 in UTC, whole seconds; None stays None."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3 min``, ``5 h``, ``4 d``: one unit, as people say it."""
    seconds = max(0.0, seconds)
    if seconds < 10:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def format_size(size: float) -> str:
    """``900 kB``, ``1.2 GB``: in steps of a thousand, as engines say it."""
    units = ["B", "kB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size, units = size / 1000, units[1:]
    return f"{size:.1f} {units[0]}" if size < 10 and units[0] != "B" else f"{size:.0f} {units[0]}"


def format_value(value: Json) -> str:
    """A field's value on one short line; secrets by name, a masked value as such."""
    if value is None:
        return "nothing"
    if isinstance(value, dict) and set(value) == {"secret"}:
        return f"secret {escape(str(value['secret']))}"
    if isinstance(value, dict) and value == {"masked": True}:
        return MASKED
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return escape(text, _MAX_VALUE)


def short_commit(commit: str | None) -> str:
    """The first ten digits of a commit id; what is no id stays as it is."""
    return escape((commit or "no commit")[:10] if _is_hex(commit) else (commit or "no commit"), 60)


def _is_hex(text: str | None) -> bool:
    return bool(text) and len(text or "") >= 40 and all(c in "0123456789abcdef" for c in text or "")


def count(number: int, noun: str, plural: str = "") -> str:
    """``1 service``, ``3 services``."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


@dataclass(frozen=True, slots=True)
class Style:
    """Colours for a terminal; without colour every method returns its text unchanged."""

    colour: bool = False

    def bold(self, text: str) -> str:
        return self._paint("1", text)

    def faint(self, text: str) -> str:
        return self._paint("2", text)

    def good(self, text: str) -> str:
        return self._paint("32", text)

    def bad(self, text: str) -> str:
        return self._paint("31", text)

    def warn(self, text: str) -> str:
        return self._paint("33", text)

    def act(self, text: str) -> str:
        return self._paint("36", text)

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and text else text


PLAIN = Style()

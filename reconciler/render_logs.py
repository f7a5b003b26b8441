"""Log records as lines for people and as JSON, one a line. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime

from reconciler.dialogue import LogRecord
from reconciler.observed import Instance
from reconciler.ownership import Role
from reconciler.render import MASKED, Style, escape
from reconciler.render_json import JsonObject

_COLOURS = ("36", "33", "32", "35", "34", "96", "93", "92", "95", "94")
_COLOUR_SEQUENCE = re.compile(r"\x1b\[[0-9;:]*m")
_NANO = 1_000_000_000
_SHORTEST_PART = 8
"""Characters of a line of a secret of several lines below which the line alone is not masked."""


def name_of(instance: Instance) -> str:
    """``web-1``, with its role where it has one: what stands before each line."""
    number = "" if instance.number is None else f"-{instance.number}"
    role = "" if instance.role is Role.LIVE else f" ({instance.role.value})"
    return f"{instance.service_name}{number}{role}"


def format_nanoseconds(at: int) -> str:
    """RFC 3339 in UTC with nine digits of a second."""
    moment = datetime.fromtimestamp(at // _NANO, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{moment}.{at % _NANO:09d}Z"


def paint_name(name: str, width: int, colour: int, style: Style) -> str:
    """The prefix of a line; its colour tells instances apart."""
    prefix = f"{escape(name).ljust(width)} | "
    return f"\x1b[{_COLOURS[colour % len(_COLOURS)]}m{prefix}\x1b[0m" if style.colour else prefix


def printable(line: str) -> str:
    """The line as it may reach a terminal: without colours, tabs kept, all else that could drive it
    escaped."""
    plain = _COLOUR_SEQUENCE.sub("", line)
    if plain.isprintable():
        return plain
    safe = (
        c if c == "\t" or c.isprintable() or unicodedata.category(c) == "Zs" else escape(c) for c in plain
    )
    return "".join(safe)


class Mask:
    """Takes secret values out of lines; of a value of several lines each that is long enough."""

    def __init__(self, values: Iterable[str]) -> None:
        parts = set[str]()
        for value in values:
            lines = [line.strip("\r") for line in value.split("\n")]
            parts |= {value} | {line for line in lines if len(line) >= _SHORTEST_PART}
        self._values = sorted((part for part in parts if part), key=len, reverse=True)

    def apply(self, line: str) -> str:
        """The line without them."""
        for value in self._values:
            line = line.replace(value, MASKED)
        return line


def record_json(instance: Instance, record: LogRecord, line: str) -> JsonObject:
    """One line of ``logs --json``; ``line`` is masked already."""
    return {
        "schema": "reconciler/logs/v1",
        "service": instance.service_name,
        "instance": {
            "host": instance.handle.host,
            "id": instance.handle.id,
            "name": instance.name,
            "role": instance.role.value or "live",
        },
        "number": instance.number,
        "stream": record.stream,
        "at": format_nanoseconds(record.at),
        "line": line,
    }

"""Text from outside as Markdown that is safe to post: nothing in it is obeyed, linked, called or hidden.

In fences and code spans nothing is interpreted, so that is where text from outside goes; what stands outside
of them is ours, or escaped character by character. Lengths are in bytes of UTF-8, which no forge counts
more strictly. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from reconciler.render import escape, shorten

MAX_BYTES: Final = 60_000
"""Comment fields of the large forges end at 65,536 characters."""
_INLINE: Final = re.compile(r"([\\`*_{}\[\]()<>#+!|~&$^=\"'-])")
_JOINER: Final = "\u2060"
_CALLS: Final = re.compile(r"([@#])(?!sha(?:256|512):)(?=[\w-])")
"""``@name`` and ``#1``. A digest calls nobody, and is there to be copied."""
_REFERENCES: Final = re.compile(r"([!$~%&]|\bGH|\bwww|:(?=//)|\bmailto)(?=[\w\"./:-])", re.IGNORECASE)
"""What forges make links of, outside of code: ``!1``, ``GH-1``, ``www.``, ``x://``."""
_CUT: Final = "… cut here: the whole text is in the job's log"


def escape_inline(text: str) -> str:
    """One line that Markdown and HTML take literally, outside of a fence; it calls nobody and links to
    nothing."""
    line = escape(" ".join(text.split()))
    loose = _REFERENCES.sub(rf"\1{_JOINER}", _defuse(line))
    return _INLINE.sub(r"\\\1", loose)


def code_span(text: str, limit: int = 120) -> str:
    """A code span for anywhere, table cells included: there a bar would end the cell, so it is another."""
    line = escape(shorten(" ".join(text.split())), limit).replace("|", "¦").replace("`", "'").rstrip("\\ ")
    return f"`{_defuse(line)}`" if line else ""


def fence(text: str, room: int = MAX_BYTES) -> str:
    """Lines in a fence that their own backticks cannot end; as many as there is room for, in bytes."""
    lines = [_defuse(escape(line)).rstrip() for line in text.rstrip("\n").split("\n")]
    inside = "\n".join(_fitting(lines, room))
    longest = max((len(run) for run in re.findall(r"`+", inside)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}text\n{inside}\n{ticks}\n"


def fold(summary: str, markdown: str) -> str:
    """Markdown of ours, folded away under one line."""
    return f"<details><summary>{escape_inline(summary)}</summary>\n\n{markdown}\n</details>\n"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], room: int = MAX_BYTES) -> str:
    """A table of cells that are Markdown already; as many rows as there is room for, in bytes."""
    lines = [_row(head), _row(["---"] * len(head))]
    left = room - size("\n".join(lines)) - len(_CUT) * 2
    for row in rows:
        line = _row(row)
        left -= size(line) + 1
        if left < 0:
            return "\n".join([*lines, f"\n{_CUT}\n"])
        lines.append(line)
    return "\n".join(lines) + "\n"


def size(text: str) -> int:
    """Bytes of UTF-8."""
    return len(text.encode("utf-8", "replace"))


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _fitting(lines: Sequence[str], room: int) -> list[str]:
    kept: list[str] = []
    left = room - 2 * len(_CUT)
    for line in lines:
        left -= size(line) + 1
        if left < 0:
            return [*kept, _CUT]
        kept.append(line)
    return kept


def _defuse(text: str) -> str:
    return _CALLS.sub(rf"\1{_JOINER}", text)

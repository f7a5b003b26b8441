"""Text as Markdown that is safe to post as a comment: fenced, mentions defused, length capped. Pure."""

from __future__ import annotations

import re

MAX_LENGTH = 60_000
"""Comment fields of the large forges end at 65,536 characters."""
_INLINE = re.compile(r"([\\`*_{}\[\]()<>#+!|~&])")
_WORD_JOINER = "\u2060"


def escape_inline(text: str) -> str:
    """Text that Markdown and HTML take literally, outside of a fence; ``@name`` and ``#1`` call nobody."""
    return _defuse(_INLINE.sub(r"\\\1", " ".join(text.split())))


def fence(text: str) -> str:
    """Text in a fence that its own backticks cannot end."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}text\n{_defuse(text.rstrip())}\n{ticks}\n"


def render_markdown(title: str, summary: str, text: str) -> str:
    """A heading, one line, and the text folded away; cut on a line end where it is too long."""
    head = f"### {escape_inline(title)}\n\n{escape_inline(summary)}\n\n"
    room = MAX_LENGTH - len(head) - 400
    if len(text) > room:
        text = text[:room].rpartition("\n")[0] + "\n… cut here: the whole text is in the job's log\n"
    return f"{head}<details><summary>All of it</summary>\n\n{fence(text)}\n</details>\n"


def _defuse(text: str) -> str:
    # A digest calls nobody, and is there to be copied.
    return re.sub(r"([@#])(?!sha(?:256|512):)(?=[\w-])", rf"\1{_WORD_JOINER}", text)

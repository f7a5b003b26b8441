"""What containers print, made safe to show: streams demultiplexed, terminal sequences taken out."""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_HEALTH_OUTPUT = 4096
_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_].*?(?:\x1b\\|\x07|$)"  # OSC and other strings: titles, links
    r"|\x1b[ -/]*[0-~]?",  # the rest of the two-byte sequences
    re.DOTALL,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain(line: str) -> str:
    """A line without terminal sequences, control codes and marks that turn the reading direction."""
    return _CONTROL.sub("", _SEQUENCE.sub("", line))


def escaped(words: str) -> str:
    """The end of some output, at most 4 KiB, with control codes written as escapes."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", words[-MAX_HEALTH_OUTPUT:])


def demultiplex(stream: bytes) -> Iterator[bytes]:
    """The payloads of the engine's log frames: one byte stream, three zeros, four of length, the bytes.

    The output of a container with a terminal has no frames; it is given back as it is.
    """
    position = 0
    while position < len(stream):
        head = stream[position : position + 8]
        if len(head) < 8 or head[0] > 2 or head[1:4] != b"\0\0\0":
            yield stream[position:]
            return
        length = int.from_bytes(head[4:], "big")
        yield stream[position + 8 : position + 8 + length]
        position += 8 + length


def log_lines(stream: bytes) -> tuple[str, ...]:
    """The lines of a log, oldest first, plain."""
    written = b"".join(demultiplex(stream)).decode("utf-8", "replace")
    return tuple(plain(line.rstrip("\r")) for line in written.split("\n") if line.strip())

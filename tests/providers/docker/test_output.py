"""Logs and health output, made safe to show."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.docker.output import MAX_HEALTH_OUTPUT, escaped, log_lines, plain


def frame(stream: int, payload: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(payload).to_bytes(4, "big") + payload


def test_frames_are_put_together_in_order() -> None:
    stream = frame(1, b"one\ntw") + frame(2, b"o\n") + frame(1, b"\xff\n\nlast")
    assert log_lines(stream) == ("one", "two", "\ufffd", "last")


def test_a_terminal_has_no_frames() -> None:
    assert log_lines(b"\x1b[31mred\x1b[0m\r\nplain\r\n") == ("red", "plain")


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\x00b\x08c\x9bd", "abcd"),
        ("\u202egnp.exe", "gnp.exe"),
        ("tab\tstays", "tab\tstays"),
        ("\x1b", ""),
    ],
)
def test_terminal_sequences_go(written: str, shown: str) -> None:
    assert plain(written) == shown


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reading_or_leave_a_control_code(stream: bytes) -> None:
    for line in log_lines(stream):
        assert not any(ord(c) < 32 and c != "\t" for c in line)
        assert "\x1b" not in line


def test_health_output_is_capped_and_escaped() -> None:
    assert escaped("a\x1b[0m\n") == "a\\x1b[0m\n"
    assert len(escaped("x" * 10_000)) == MAX_HEALTH_OUTPUT

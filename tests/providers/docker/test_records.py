"""The engine's log streams, byte by byte: frames, times, pieces of lines, and what is no stream."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.docker.faults import EngineError
from providers.docker.records import read_nanoseconds, read_records, split_time
from providers.docker.streams import Streaming, frames
from reconciler.dialogue import LogRecord

STAMP = b"2026-01-31T12:00:00.000000005Z "
AT = 1769860800_000000005


def frame(stream: int, content: bytes) -> bytes:
    return bytes([stream, 0, 0, 0]) + len(content).to_bytes(4, "big") + content


def streaming(*pieces: bytes, chunked: bool = False) -> Streaming:
    reader = asyncio.StreamReader()
    for piece in pieces:
        reader.feed_data(piece)
    reader.feed_eof()
    return Streaming("test", reader, cast("asyncio.StreamWriter", None), chunked)


async def records(*pieces: bytes, terminal: bool = False) -> list[LogRecord]:
    return [record async for record in read_records(streaming(*pieces), terminal)]


async def test_each_frame_is_a_line_of_its_stream() -> None:
    sent = frame(1, STAMP + b"out\n") + frame(2, STAMP + b"err\r\n") + frame(1, STAMP + b"\n")
    found = await records(sent)
    assert found == [
        LogRecord(AT, "stdout", "out"),
        LogRecord(AT, "stderr", "err"),
        LogRecord(AT, "stdout", ""),
    ]


async def test_a_long_line_comes_in_pieces_and_streams_do_not_mix() -> None:
    sent = frame(1, STAMP + b"a" * 16384) + frame(2, STAMP + b"err\n") + frame(1, STAMP + b"b\n")
    found = await records(sent)
    assert [(r.stream, len(r.line)) for r in found] == [("stderr", 3), ("stdout", 16385)]
    (rest,) = await records(frame(1, STAMP + b"no end"))
    assert rest.line == "no end"


async def test_a_line_without_end_is_cut() -> None:
    found = await records(*(frame(1, STAMP + b"x" * 16384) for _ in range(100)))
    assert len(found) > 1
    assert sum(len(record.line) for record in found) == 100 * 16384


async def test_a_terminals_output_has_no_frames() -> None:
    found = await records(STAMP + b"one\r\n" + STAMP[:10], STAMP[10:] + b"tw", b"o", terminal=True)
    assert found == [LogRecord(AT, "stdout", "one"), LogRecord(AT, "stdout", "two")]


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=40)), max_size=8), st.integers(1, 9))
def test_frames_are_found_however_the_bytes_arrive(sent: list[tuple[int, bytes]], size: int) -> None:
    stream = b"".join(frame(number, content) for number, content in sent)

    async def read() -> list[tuple[int, bytes]]:
        answer = streaming(*(stream[at : at + size] for at in range(0, len(stream), size)))
        return [(found.stream, found.content) async for found in frames(answer, True)]

    assert asyncio.run(read()) == sent


@pytest.mark.parametrize(
    "sent",
    [
        b"plain text that is no frame",
        frame(9, b"x"),
        frame(1, b"abc")[:-1],
        b"\1\0\0\0\xff\xff\xff\xff",
        b"\1\0",
    ],
)
async def test_what_is_no_stream_of_frames_is_refused(sent: bytes) -> None:
    with pytest.raises(EngineError) as raised:
        await records(sent)
    assert raised.value.code == "DKR004"


async def test_what_the_engine_reports_in_the_stream_is_an_error() -> None:
    with pytest.raises(EngineError, match="does not support reading"):
        await records(frame(1, STAMP + b"x\n") + frame(3, b"configured driver does not support reading"))


@pytest.mark.parametrize("sent", [b"5\r\nhel", b"zz\r\nx", b"5\r\nhello\r\n", b""])
async def test_a_chunked_answer_that_is_cut_off_is_an_error(sent: bytes) -> None:
    answer = streaming(sent, chunked=True)

    async def read() -> None:
        while await answer.read():
            continue

    with pytest.raises(EngineError):
        await read()


async def test_chunks_are_joined() -> None:
    answer = streaming(b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n", chunked=True)
    found = b""
    while piece := await answer.read():
        found += piece
    assert found == b"hello world"
    assert await answer.read() == b""


@pytest.mark.parametrize(
    ("stamp", "at"),
    [
        ("2026-01-31T12:00:00Z", AT - 5),
        ("2026-01-31T12:00:00.000000005Z", AT),
        ("2026-01-31T12:00:00.5Z", AT - 5 + 500_000_000),
        ("2026-01-31T12:00:00", None),
        ("2026-01-31T12:00:00.1234567890Z", None),
        ("yesterdayZ", None),
        ("Z", None),
    ],
)
def test_times_have_nine_digits(stamp: str, at: int | None) -> None:
    assert read_nanoseconds(stamp) == at


def test_a_line_without_a_time_is_kept_whole() -> None:
    assert split_time(b"no time here") == (0, b"no time here")
    assert split_time(STAMP) == (AT, b"")

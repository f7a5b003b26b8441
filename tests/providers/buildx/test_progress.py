"""Both forms of buildx's progress give the same steps; nothing hostile or secret reaches the log."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.buildx.progress import Progress


def _vertex(digest: str, name: str, **more: str) -> dict[str, object]:
    return {"vertexes": [{"digest": digest, "name": name, "started": "2026-01-01T00:00:00Z", **more}]}


def _log(digest: str, text: str) -> dict[str, object]:
    return {"logs": [{"vertex": digest, "stream": 1, "data": base64.b64encode(text.encode()).decode()}]}


STATUS = [
    _vertex("a", "[1/2] FROM x"),
    _vertex("b", "[2/2] RUN make"),
    _log("b", "one\ntwo\n"),
    _vertex("a", "[1/2] FROM x", error="context canceled"),
    _vertex("b", "[2/2] RUN make", error="exit code: 3"),
]
PLAIN = b"""#1 [1/2] FROM x
#1 resolve x done
#2 [2/2] RUN make
#2 0.123 one
#2 0.200 two
#1 CANCELED
#2 ERROR: exit code: 3
------
ERROR: failed to solve: exit code: 3
"""


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("size", [1, 7, 4096])
def test_rawjson_in_any_shape_and_pieces(indent: int | None, size: int) -> None:
    lines: list[str] = []
    text = "\n".join(json.dumps(status, indent=indent) for status in STATUS) + "\nERROR: failed to solve\n"
    progress = Progress(lines.append, is_json=True)
    for at in range(0, len(text), size):
        progress.feed(text.encode()[at : at + size])
    progress.end()
    assert lines == ["[1/2] FROM x", "[2/2] RUN make", "one", "two", "ERROR: failed to solve"]
    assert progress.failed is progress.steps["b"]
    assert list(progress.steps["b"].lines) == ["one", "two"]
    assert list(progress.said) == ["ERROR: failed to solve"]


def test_plain_text() -> None:
    lines: list[str] = []
    progress = Progress(lines.append, is_json=False)
    progress.feed(PLAIN)
    progress.end()
    assert progress.failed is not None
    assert (progress.failed.name, progress.failed.error) == ("[2/2] RUN make", "exit code: 3")
    assert list(progress.failed.lines) == ["one", "two"]
    assert lines[:4] == ["[1/2] FROM x", "[2/2] RUN make", "one", "two"]


def test_lines_are_printable_short_masked_and_bounded() -> None:
    lines: list[str] = []
    progress = Progress(lines.append, is_json=True, secrets=("hunter22", "two\nlines"))
    text = (
        "\x1b[31mred\x1b[0m\x07\n50%\r100%\npassword=hunter22\nlines\n" + "x" * 5000 + "\n" + "y\n" * 11_000
    )
    progress.feed(json.dumps(_log("a", text)).encode() + b"\n")
    progress.end()
    assert lines[:4] == ["red ", "100%", "password=***", "***"]
    assert len(lines[4]) == 2_001
    assert len(lines) == 10_001
    assert lines[-1].startswith("… more than 10000 lines")
    assert len(progress.steps["a"].lines) == 20


def test_an_object_without_end_is_dropped() -> None:
    progress = Progress(lambda _: None, is_json=True)
    for _ in range(30):
        progress.feed(b"{ " + b"x" * 1_000_000 + b"\n")
    progress.feed(b"{ " + b"x" * 9_000_000)
    progress.end()
    assert progress.steps == {}


@settings(max_examples=200, deadline=2000)
@given(
    st.lists(
        st.one_of(st.binary(max_size=30), st.sampled_from([b"{", b"}", b"\n", b"#1 ", b"[", b"null"])),
        max_size=20,
    )
)
def test_no_output_crashes_it(pieces: list[bytes]) -> None:
    for is_json in (True, False):
        progress = Progress(lambda _: None, is_json=is_json)
        for piece in pieces:
            progress.feed(piece)
        progress.end()

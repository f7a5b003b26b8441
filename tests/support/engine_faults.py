"""The ways in which an engine's answer goes wrong on its way to us, each as what is done to one call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Ending = Literal["close", "open", "hang", "reset"]


@dataclass(frozen=True, slots=True)
class Reply:
    """One whole answer of the engine. Header names are in lower case, without those of its length."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def head(self, *more: str) -> bytes:
        """Status line and headers, and the empty line after them."""
        lines = [f"HTTP/1.1 {self.status} {self.reason}", *(f"{n}: {v}" for n, v in self.headers), *more]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    @property
    def has_body(self) -> bool:
        return self.status not in (204, 304)

    def plain(self) -> bytes:
        """With its length told, as one piece."""
        return self.head(f"content-length: {len(self.body)}") + self.body if self.has_body else self.head()

    def chunked(self) -> tuple[bytes, bytes, bytes]:
        """Head, one chunk with everything, and the chunk that ends it."""
        size = b"%x\r\n" % len(self.body) if self.body else b""
        return self.head("transfer-encoding: chunked"), size + self.body + b"\r\n" * bool(size), b"0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done to one call. ``delivered``: the engine hears of it and does it. ``spoil`` gives what is
    sent of its answer (of an empty one where it was not delivered), and ``ending`` what comes after."""

    name: str
    delivered: bool
    spoil: Callable[[Reply], bytes]
    ending: Ending = "close"
    pause: float = 0.0
    """Seconds before each of the answer's pieces (a piece is ``drip`` bytes, or all)."""
    drip: int = 0
    harmless: bool = False
    """The whole answer comes, only late."""

    def __str__(self) -> str:
        return self.name


def _nothing(_: Reply) -> bytes:
    return b""


def _cut_in_status(reply: Reply) -> bytes:
    return reply.plain()[:11]


def _cut_in_headers(reply: Reply) -> bytes:
    return reply.plain()[: reply.plain().index(b"\r\n") + 7]


def _cut_between(reply: Reply) -> bytes:
    head = reply.head(f"content-length: {len(reply.body)}")
    return head if reply.body and reply.has_body else _cut_in_headers(reply)


def _cut_in_body(reply: Reply) -> bytes:
    return reply.plain()[: -max(1, len(reply.body) // 2)] if len(reply.body) > 1 else _cut_between(reply)


def _cut_in_chunk_size(reply: Reply) -> bytes:
    head, chunk, _ = reply.chunked()
    return head + chunk[:1] if chunk else _cut_in_headers(reply)


def _cut_in_chunk(reply: Reply) -> bytes:
    head, chunk, _ = reply.chunked()
    return head + chunk[: len(chunk) // 2] if chunk else _cut_in_headers(reply)


def _cut_before_last_chunk(reply: Reply) -> bytes:
    head, chunk, _ = reply.chunked()
    return head + chunk if chunk else _cut_in_headers(reply)


def _half_json(reply: Reply) -> bytes:
    half = reply.body[: len(reply.body) // 2] or b'{"half": "an an'
    return Reply(reply.status, reply.reason, reply.headers, half).plain()


def _with_body(body: bytes, status: int | None = None) -> Callable[[Reply], bytes]:
    def spoil(reply: Reply) -> bytes:
        return Reply(200 if status is None else status, "Spoiled", reply.headers, body).plain()

    return spoil


def _too_long(reply: Reply) -> bytes:
    return reply.head(f"content-length: {len(reply.body) + 7}") + reply.body


def _too_short(reply: Reply) -> bytes:
    body = reply.body if len(reply.body) > 4 else b'{"not":"whole"}'
    return Reply(200, "OK", reply.headers, b"").head(f"content-length: {len(body) // 2}") + body


def _no_number(reply: Reply) -> bytes:
    return reply.head("content-length: many") + reply.body


_JSON = b'{"message": "the engine is not well"}'
_HTML = b"<html><head><title>Bad</title></head><body><h1>not well</h1></body></html>"
_STATUSES = tuple(
    Fault(f"{status}-{name}", False, _with_body(body, status), "open")
    for status in (500, 503, 429, 409)
    for name, body in (("json", _JSON), ("html", _HTML), ("empty", b""))
)
FAULTS = (
    Fault("lost-request", False, _nothing),
    Fault("lost-reply", True, _nothing),
    Fault("reset", False, _nothing, "reset"),
    Fault("silence", False, _nothing, "hang"),
    Fault("silence-after", True, _nothing, "hang"),
    Fault("slow", True, Reply.plain, "open", pause=0.15, harmless=True),
    Fault("dripping", True, Reply.plain, "open", pause=0.002, drip=97, harmless=True),
    Fault("cut-in-status", True, _cut_in_status),
    Fault("cut-in-headers", True, _cut_in_headers),
    Fault("cut-after-headers", True, _cut_between),
    Fault("cut-in-body", True, _cut_in_body),
    Fault("cut-in-chunk-size", True, _cut_in_chunk_size),
    Fault("cut-in-chunk", True, _cut_in_chunk),
    Fault("cut-before-last-chunk", True, _cut_before_last_chunk),
    Fault("half-json", True, _half_json, "open"),
    Fault("empty-success", True, _with_body(b""), "open"),
    Fault("null-success", True, _with_body(b"null"), "open"),
    Fault("other-json", True, _with_body(b'"fine"'), "open"),
    Fault("length-too-long", True, _too_long),
    Fault("length-too-short", True, _too_short, "open"),
    Fault("length-no-number", True, _no_number),
    Fault("garbage", True, lambda _: bytes(range(256)) * 8),
    Fault("endless-header", True, lambda _: b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000, "hang"),
    *_STATUSES,
)
"""Every class of fault. Those with `delivered` leave behind what the call did."""
BY_NAME = {fault.name: fault for fault in FAULTS}

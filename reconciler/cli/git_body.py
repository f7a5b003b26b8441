"""The body of a push or a fetch as it comes, in pieces: unpacked, counted, and never waited for too long."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aiohttp import web

_PIECE: Final = 1 << 16
_SLOWEST: Final = 60.0
"""Seconds without a byte."""
_GZIP: Final = 16 + zlib.MAX_WBITS
_LONGEST_PREFIX: Final = 1 << 16
_FLUSH: Final = b"0000"


class Refused(Exception):
    """A body that is not taken: the status of the answer, and words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status, self.words = status, words


async def read_pieces(request: web.Request, most: int) -> AsyncIterator[bytes]:
    """At most ``most`` bytes, unpacked ones counted. Raises Refused."""
    packed = request.headers.get("Content-Encoding", "identity")
    if packed not in ("gzip", "x-gzip", "identity"):
        raise Refused(415, "gzip, or as it is")
    unpacker = zlib.decompressobj(_GZIP) if packed != "identity" else None
    total = 0
    while raw := await _read(request):
        async for piece in _unpack(unpacker, raw):
            total += len(piece)
            if total > most:
                raise Refused(413, f"more than {most >> 20} MiB at once")
            yield piece


async def _read(request: web.Request) -> bytes:
    import aiohttp
    from aiohttp import web

    try:
        async with asyncio.timeout(_SLOWEST):
            return await request.content.read(_PIECE)
    except TimeoutError:
        raise Refused(408, f"nothing came for {_SLOWEST:g} s") from None
    except (OSError, aiohttp.ClientError, aiohttp.http.HttpProcessingError, web.RequestPayloadError):
        raise Refused(400, "the rest did not come") from None


async def _unpack(unpacker: zlib._Decompress | None, raw: bytes) -> AsyncIterator[bytes]:
    """Never more than a piece at once, however well it was packed. Raises Refused."""
    while raw:
        if unpacker is None:
            yield raw
            return
        try:
            piece = unpacker.decompress(raw, _PIECE)
        except zlib.error:
            raise Refused(400, "not gzip") from None
        raw = unpacker.unconsumed_tail
        if piece:
            yield piece


async def refuse_many(pieces: AsyncIterator[bytes], most: int) -> AsyncIterator[bytes]:
    """The same body, once its list of updates is known to be short (gitprotocol-pack(5)). Raises Refused."""
    prefix = b""
    is_known = False
    async for piece in pieces:
        if is_known:
            yield piece
            continue
        prefix += piece
        count = count_lines(prefix)
        if count is None and len(prefix) < _LONGEST_PREFIX:
            continue
        if count is None or count > most:
            raise Refused(413, f"more than {most} refs at once")
        is_known = True
        yield prefix
    if not is_known:
        yield prefix


def count_lines(prefix: bytes) -> int | None:
    """How many lines come before the first flush; None where that is further on. Raises Refused."""
    at = count = 0
    while len(prefix) >= at + 4:
        head = prefix[at : at + 4]
        if head == _FLUSH:
            return count
        try:
            size = int(head, 16)
        except ValueError:
            raise Refused(400, "not what git sends") from None
        if size < 4:
            raise Refused(400, "not what git sends")
        at, count = at + size, count + 1
    return None

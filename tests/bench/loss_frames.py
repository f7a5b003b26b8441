"""WebSocket frames (RFC 6455), as far as an echo needs them: small unfragmented text frames and closing."""

from __future__ import annotations

import base64
import hashlib
import os
import struct
from collections.abc import Awaitable, Callable

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
NORMAL, GOING_AWAY = 1000, 1001
_MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_key(key: str) -> str:
    """The server's answer to the client's ``Sec-WebSocket-Key``."""
    return base64.b64encode(hashlib.sha1((key + _MAGIC).encode(), usedforsecurity=False).digest()).decode()


def encode(opcode: int, payload: bytes, *, masked: bool) -> bytes:
    """One final frame. A client masks, a server does not. ValueError from 65,536 bytes on."""
    if len(payload) > 0xFFFF:
        raise ValueError("the frame is too long")
    mark = 0x80 if masked else 0
    length = (
        bytes([mark | len(payload)]) if len(payload) < 126 else struct.pack("!BH", mark | 126, len(payload))
    )
    head = bytes([0x80 | opcode]) + length
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + _masked(payload, mask)


async def read_frame(exactly: Callable[[int], Awaitable[bytes]]) -> tuple[int, bytes]:
    """Opcode and payload of the next frame, read by ``exactly(n)``; what that raises comes through."""
    first, second = await exactly(2)
    length = second & 0x7F
    if length == 126:
        length = int.from_bytes(await exactly(2), "big")
    elif length == 127:
        length = int.from_bytes(await exactly(8), "big")
    mask = await exactly(4) if second & 0x80 else b""
    payload = await exactly(length) if length else b""
    return first & 0x0F, _masked(payload, mask) if mask else payload


def closing(code: int, *, masked: bool) -> bytes:
    """A close frame with this code."""
    return encode(CLOSE, struct.pack("!H", code), masked=masked)


def closing_code(payload: bytes) -> int:
    """The code in a close frame's payload; 1005 where there is none."""
    return int.from_bytes(payload[:2], "big") if len(payload) >= 2 else 1005


def _masked(payload: bytes, mask: bytes) -> bytes:
    return bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))

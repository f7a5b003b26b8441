"""The end of what is sent over a connection, while what is received goes on."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress

_PAUSE = 0.01


async def end_writing(writer: asyncio.StreamWriter) -> None:
    """Say that nothing more will be sent. Raises OSError.

    A socket does it by itself. TLS does it by its close alert, which asyncio only ever sends when it closes
    both ways: so everything before it is flushed, the alert is written, and reading is begun again, which
    makes the transport send it.
    """
    if writer.can_write_eof():
        writer.write_eof()
        return
    tls, transport = writer.get_extra_info("ssl_object"), writer.transport
    if not isinstance(tls, ssl.SSLObject) or not isinstance(transport, asyncio.Transport):
        return
    while transport.get_write_buffer_size() or not transport.is_reading():
        if transport.is_closing():
            return
        await asyncio.sleep(_PAUSE)
    with suppress(ssl.SSLError):
        tls.unwrap()  # it does not wait for the other side's alert, and says so
    transport.pause_reading()
    transport.resume_reading()

"""A port on loopback before another port or a socket: it can speak TLS, be slow, and cut connections."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Relay:
    """Use it in `with`. `upstream` is a port of loopback or a socket's path; `delay_s` is added each way."""

    upstream: int | Path
    tls: ssl.SSLContext | None = None
    delay_s: float = 0.0
    cut_after: int | None = None
    """Bytes of answers after which every connection is cut, once."""
    port: int = field(init=False)
    accepted: int = field(init=False, default=0)

    def __enter__(self) -> Self:
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        serving = asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls, backlog=64)
        self._server = asyncio.run_coroutine_threadsafe(serving, self._loop).result(10)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        self._cut()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def cut(self) -> None:
        """Break every connection there is."""
        self._loop.call_soon_threadsafe(self._cut)

    def _cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        try:
            upstream = await self._dial()
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, upstream[1]}
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(
                self._carry(reader, upstream[1], counted=False),
                self._carry(upstream[0], writer, counted=True),
            )
        for end in (writer, upstream[1]):
            self._writers.discard(end)
            end.close()

    async def _dial(self) -> Stream:
        if isinstance(self.upstream, int):
            return await asyncio.open_connection("127.0.0.1", self.upstream)
        return await asyncio.open_unix_connection(str(self.upstream))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, counted: bool) -> None:
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        taking = asyncio.create_task(self._take(reader, pieces))
        with contextlib.suppress(OSError):
            while True:
                due, piece = await pieces.get()
                if (left := due - self._loop.time()) > 0:
                    await asyncio.sleep(left)
                if not piece:
                    break
                writer.write(piece)
                await writer.drain()
                self._count(len(piece) if counted else 0)
        taking.cancel()
        with contextlib.suppress(OSError):
            if writer.can_write_eof():
                writer.write_eof()
            else:
                writer.close()

    async def _take(self, reader: asyncio.StreamReader, pieces: asyncio.Queue[tuple[float, bytes]]) -> None:
        piece = b"-"
        while piece:
            try:
                piece = await reader.read(1 << 16)
            except OSError:
                piece = b""
            pieces.put_nowait((self._loop.time() + self.delay_s, piece))

    def _count(self, size: int) -> None:
        if self.cut_after is not None:
            self.cut_after -= size
            if self.cut_after < 0:
                self.cut_after = None
                self._cut()

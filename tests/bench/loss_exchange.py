"""One request of each kind but the streams: sent, answered, and named by what became of it."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import Awaitable, Callable

from loss_record import Kind, Outcome, Record
from loss_wire import Answer, Ended, Wire, name_failure, name_status, read_answer

SLOW_S = 5.0
PIECES, PIECE, PAUSE_S = 4, b"0123456789abcdef" * 256, 0.1
LIMIT_S = 10.0
POOL = 32
UPLOADED = f" {PIECES * len(PIECE)} {hashlib.sha256(PIECE * PIECES).hexdigest()}"


class Exchanges:
    """Requests to one address, whose Host is ``host``; those of kind KEPT share a pool of connections."""

    def __init__(self, port: int, host: str, limit_s: float = LIMIT_S) -> None:
        self.port, self.host, self.limit_s = port, host, limit_s
        self._pool: deque[Wire] = deque()
        self._under_way = 0

    async def make(self, record: Record) -> None:
        """Send it now, fill the record. A kept connection that was closed under it is tried once more."""
        record.sent = time.monotonic()
        record.outcome = await self._try(record, self._ways()[record.kind], record.id)
        if record.outcome is Outcome.CLOSED_IDLE:
            record.again = await self._try(record, self._fresh, f"{record.id}.2")
        record.done = time.monotonic()

    def close(self) -> None:
        while self._pool:
            self._pool.popleft().close()

    def _ways(self) -> dict[Kind, Callable[[Holder, str], Awaitable[Answer]]]:
        return {
            Kind.NEW: self._fresh,
            Kind.SLOW: self._slow,
            Kind.UPLOAD: self._upload,
            Kind.KEPT: self._kept,
        }

    async def _try(
        self, record: Record, way: Callable[[Holder, str], Awaitable[Answer]], name: str
    ) -> Outcome:
        holder = Holder()
        try:
            async with asyncio.timeout(self.limit_s + (SLOW_S if record.kind is Kind.SLOW else 0)):
                answer = await way(holder, name)
        except (OSError, Ended, ValueError) as error:
            holder.close()
            return name_failure(error, holder.wire)
        words = answer.body.decode(errors="replace").split(" ", 2)
        record.version = words[0] if len(words) == 3 else "-"
        if (named := name_status(answer.status)) is not Outcome.OK:
            return named
        expected = name + (UPLOADED if record.kind is Kind.UPLOAD else "")
        return Outcome.OK if words[2:] == [expected] else Outcome.WRONG_BODY

    def _head(self, verb: str, path: str, name: str, *more: str) -> bytes:
        lines = [f"{verb} {path} HTTP/1.1", f"Host: {self.host}", f"X-Request-Id: {name}", *more]
        return "\r\n".join([*lines, "", ""]).encode()

    async def _fresh(self, holder: Holder, name: str, path: str = "/") -> Answer:
        wire = holder.wire = await Wire.open(self.port)
        wire.send_request(self._head("GET", path, name, "Connection: close"))
        answer = await read_answer(wire)
        wire.close()
        return answer

    async def _slow(self, holder: Holder, name: str) -> Answer:
        return await self._fresh(holder, name, f"/slow?s={SLOW_S:g}")

    async def _kept(self, holder: Holder, name: str) -> Answer:
        wire = holder.wire = self._from_pool() or await Wire.open(self.port)
        self._under_way += 1
        try:
            wire.send_request(self._head("GET", "/", name))
            answer = await read_answer(wire)
            if answer.keeps:
                self._pool.append(wire)
            else:
                wire.close()
            return answer
        finally:
            self._under_way -= 1

    def _from_pool(self) -> Wire | None:
        """The one that rested longest, once there are enough. One that is known to be closed is of no use."""
        while self._pool and self._pool[0].ended:
            self._pool.popleft().close()
        is_enough = len(self._pool) + self._under_way >= POOL
        return self._pool.popleft() if self._pool and is_enough else None

    async def _upload(self, holder: Holder, name: str) -> Answer:
        wire = holder.wire = await Wire.open(self.port)
        more = ("Transfer-Encoding: chunked", "Connection: close")
        wire.send_request(self._head("POST", "/upload", name, *more))
        for _ in range(PIECES):
            wire.send(b"%x\r\n%s\r\n" % (len(PIECE), PIECE))
            await asyncio.sleep(PAUSE_S)
        wire.send(b"0\r\n\r\n")
        answer = await read_answer(wire)
        wire.close()
        return answer


class Holder:
    """The connection of a request under way, for whoever must name why it failed."""

    def __init__(self) -> None:
        self.wire: Wire | None = None

    def close(self) -> None:
        if self.wire is not None:
            self.wire.close()

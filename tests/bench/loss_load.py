"""An open-loop load: each request is sent at its own time, however late the ones before it are answered.

    python loss_load.py --port N --rate N --seconds N --out FILE [--host NAME] [--only KIND...]

Writes a line for each request (`loss_record`) to FILE and a summary of the streams, as JSON, to its output.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import random
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from loss_exchange import Exchanges
from loss_record import Kind, Record, write_line
from loss_streams import Listener, Socket

MIX = {Kind.NEW: 35, Kind.KEPT: 50, Kind.SLOW: 1, Kind.UPLOAD: 4, Kind.MESSAGE: 10}
"""Of each hundred requests. Streams of events come on top."""
SOCKETS, LISTENERS = 20, 10
LONGEST_END_S = 20.0


@dataclass
class Load:
    """Requests to one port of loopback. ``late`` holds how much later than intended each was begun."""

    port: int
    rate: float
    seconds: float
    done: Callable[[Record], None]
    host: str = "127.0.0.1"
    mix: dict[Kind, int] = field(default_factory=lambda: dict(MIX))
    late: list[float] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    """Of the load itself: then what it counted is worth nothing."""

    async def run(self) -> dict[str, object]:
        """The whole load; what became of the streams."""
        exchanges = Exchanges(self.port, self.host)
        count = SOCKETS if Kind.MESSAGE in self.mix else 0
        sockets = [Socket(self.port, self.host, f"w{number}", self.done) for number in range(count)]
        count = LISTENERS if len(self.mix) > 1 else 0
        listeners = [Listener(self.port, self.host, f"e{number}", self.done) for number in range(count)]
        lives: list[Socket | Listener] = [*sockets, *listeners]
        streams = [asyncio.create_task(stream.live()) for stream in lives]
        await asyncio.sleep(0.2)
        await self._send(exchanges, sockets)
        for task in streams:
            task.cancel()
        await asyncio.gather(*streams, return_exceptions=True)
        exchanges.close()
        return self._summary(sockets, listeners)

    async def _send(self, exchanges: Exchanges, sockets: Sequence[Socket]) -> None:
        began, kinds, tasks = time.monotonic(), spread(self.mix), set[asyncio.Task[None]]()
        for number in range(round(self.rate * self.seconds)):
            intended = began + number / self.rate
            if (early := intended - time.monotonic()) > 0:
                await asyncio.sleep(early)
            self.late.append(time.monotonic() - intended)
            record = Record(str(number), next(kinds), intended)
            if record.kind is Kind.MESSAGE:
                sockets[number % len(sockets)].say(record)
                continue
            task = asyncio.create_task(self._one(exchanges, record))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        limit = time.monotonic() + LONGEST_END_S
        while (tasks or any(s.waiting for s in sockets)) and time.monotonic() < limit:
            await asyncio.sleep(0.05)
        if self.failures:
            raise self.failures[0]

    async def _one(self, exchanges: Exchanges, record: Record) -> None:
        try:
            await exchanges.make(record)
        except Exception as error:
            self.failures.append(error)
        self.done(record)

    def _summary(self, sockets: Sequence[Socket], listeners: Sequence[Listener]) -> dict[str, object]:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        late = sorted(self.late) or [0.0]
        return {
            "sockets": {
                name: sum(getattr(s, name) for s in sockets) for name in ("opened", "closed", "broken")
            },
            "listeners": {
                name: sum(getattr(x, name) for x in listeners)
                for name in ("tries", "events", "closed", "broken")
            },
            "late_p99": late[int(0.99 * (len(late) - 1))],
            "late_max": late[-1],
            "cpu": usage.ru_utime + usage.ru_stime,
        }


def spread(mix: dict[Kind, int]) -> Iterator[Kind]:
    """Kinds without end in these shares, in an order that is mixed and always the same."""
    kinds = [kind for kind, share in mix.items() for _ in range(share)]
    order = random.Random(7)
    while True:
        order.shuffle(kinds)
        yield from kinds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--only", nargs="*", choices=[kind.value for kind in MIX])
    wanted = parser.parse_args()
    mix = {kind: share for kind, share in MIX.items() if not wanted.only or kind.value in wanted.only}
    with wanted.out.open("w", buffering=1 << 20) as out:
        load = Load(wanted.port, wanted.rate, wanted.seconds, lambda r: _write(out, r), wanted.host, mix)
        gc.freeze()
        print(json.dumps(asyncio.run(load.run())))


def _write(out: TextIO, record: Record) -> None:
    out.write(write_line(record))


if __name__ == "__main__":
    main()

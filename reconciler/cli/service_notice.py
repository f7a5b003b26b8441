"""What a service tells systemd (sd_notify(3)): ready, alive, stopping. Without systemd nothing happens.

It is told to be alive only while the event loop turns and no pass is stuck, so that systemd begins anew what
cannot help itself.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from reconciler.cli.loop_health import BEAT, Health, is_stuck
from reconciler.keeper import Keeper
from reconciler.ownership import Owner

_SOCKET: Final = "NOTIFY_SOCKET"
_MICROSECONDS: Final = 1e6


@dataclass(frozen=True, slots=True)
class Notice:
    """Where systemd listens, and how often it wants to hear that we live, in seconds; None: it does not."""

    address: str | None = None
    every: float | None = None

    def tell(self, words: str) -> None:
        """Such as ``READY=1``. Nobody is waited for, and nobody need be there."""
        if self.address is None:
            return
        place = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        with (
            suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as way,
        ):
            way.connect(place)
            way.send(words.encode())


def take_notice() -> Notice:
    """From this process's variables, which are then gone: no child of ours speaks for us."""
    address = os.environ.pop(_SOCKET, None)
    asked, wanted = os.environ.pop("WATCHDOG_USEC", ""), os.environ.pop("WATCHDOG_PID", "")
    is_ours = wanted in ("", str(os.getpid()))
    every = int(asked) / _MICROSECONDS if is_ours and asked.isascii() and asked.isdigit() else None
    return Notice(address, every or None)


async def beat(
    notice: Notice, health: Health, keepers: Mapping[Owner, Keeper], stopping: asyncio.Event
) -> None:
    """Measure the event loop, and tell that it turns, until ``stopping`` and while we end."""
    loop = asyncio.get_running_loop()
    told = loop.time()
    while not stopping.is_set():
        due = loop.time() + BEAT
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), BEAT)
        now = loop.time()
        health.beat(max(0.0, now - due))
        is_due = notice.every is not None and now - told >= notice.every / 3
        if is_due and not any(is_stuck(keeper, now) for keeper in keepers.values()):
            notice.tell("WATCHDOG=1")
            told = now

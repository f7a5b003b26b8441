"""Who may write: the marker ``lease``. Taken before a pass's first write, renewed while acting."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.observed import Marker, Observed
from reconciler.ownership import Owner
from reconciler.provider import Runtime
from reconciler.strict_json import read_number, read_object
from reconciler.view import newest_markers

KIND = "lease"
SECONDS = 60.0
RENEW = 20.0
"""Seconds after which a lease that is still needed is renewed."""


@dataclass(frozen=True, slots=True)
class Held:
    """The newest lease as read: who holds it, and until when on the runtime's clock."""

    holder: str
    until: float
    sequence: int


def read_lease(observed: Observed) -> Held:
    """The lease that counts; one that cannot be understood is over, since it can never be renewed."""
    marker = newest_markers(observed.markers).get((KIND, ""))
    if marker is None:
        return Held("", 0.0, 0)
    try:
        value = read_object(marker.value)
        return Held(str(value["holder"]), read_number(value["until"]), marker.sequence)
    except (ValueError, KeyError):
        return Held("", 0.0, marker.sequence)


def awake_or_asleep() -> float:
    """Seconds on the event loop's clock, and those that the machine slept, which that clock leaves out."""
    slept = 0.0
    if hasattr(time, "CLOCK_BOOTTIME"):
        slept = time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
    return asyncio.get_running_loop().time() + slept


@dataclass(slots=True)
class Lease:
    """This process's hold on one environment.

    It is counted on two clocks: the runtime's, which all can read and which may jump, and our own, which
    tells that we were stopped for longer than it lasts, and that another's was not renewed for as long.
    """

    owner: Owner
    runtime: Runtime
    holder: str = field(default_factory=lambda: process_name())
    taken: Held | None = None
    clock: Callable[[], float] = awake_or_asleep
    _looked: float | None = None
    _ours_until: float = 0.0
    _others: tuple[Held, float] | None = None
    """Another's lease, and when on our clock we first saw it as it is."""

    def begin_look(self) -> None:
        """A pass begins to observe: what it sees is not older than this."""
        self._looked = self.clock()

    def holds(self) -> bool:
        """It is ours now, by our own clock: asked before an action is begun that had to wait, because this
        process may have been stopped meanwhile, and overtaken."""
        return self.taken is not None and self.clock() < self._ours_until

    def other(self, observed: Observed) -> str | None:
        """Who else may write now; None when nobody does. A holder that is a dead process of this machine
        holds nothing: after a kill -9 nobody has to wait for its lease to run out. Nor does anybody wait for
        a clock that was set back: who lives renews it in time."""
        held = read_lease(observed)
        if held.holder in ("", self.holder) or observed.at >= held.until or is_dead(held.holder):
            return None
        now = self.clock()
        if self._others is None or self._others[0] != held:
            self._others = (held, now)
        return held.holder if now - self._others[1] < SECONDS else None

    async def take(self, observed: Observed) -> bool:
        """Take or renew it. False when somebody else was faster. Raises ProviderError."""
        held = read_lease(observed)
        if observed.cannot_read("markers") and self.holds():
            return True
        if self._is_fresh(held, observed.at):
            return True
        if self.other(observed) is not None:
            self._ours_until = 0.0
            return False
        looked = self._looked if self._looked is not None else self.clock()
        if not await self._write(held.sequence + 1, observed.at + SECONDS):
            self._ours_until = 0.0
            return False
        self.taken, self._ours_until = (
            Held(self.holder, observed.at + SECONDS, held.sequence + 1),
            looked + SECONDS,
        )
        return self.holds()

    def _is_fresh(self, held: Held, now: float) -> bool:
        """Two thirds of it are left, on both clocks."""
        left = SECONDS - RENEW
        return held == self.taken and held.until - now > left and self._ours_until - self.clock() > left

    async def give_back(self) -> None:
        """End it by a newer marker that says so: nothing is said by deletion. Raises ProviderError."""
        taken, self.taken = self.taken, None
        if taken is not None and self.clock() < self._ours_until:
            await self._write(taken.sequence + 1, 0.0)

    async def _write(self, sequence: int, until: float) -> bool:
        value = json.dumps({"holder": self.holder, "until": until}, sort_keys=True)
        return await self.runtime.put_marker(self.owner, Marker(KIND, "", sequence, value))


def process_name() -> str:
    """``host/boot/pid/start``: names this process and no other, now or later."""
    return f"{socket.gethostname()}/{_boot()}/{os.getpid()}/{_start_time(os.getpid())}"


def is_dead(holder: str) -> bool:
    """The holder was a process of this boot of this machine, and is gone. False when that is not known."""
    host, _, rest = holder.partition("/")
    boot, _, process = rest.partition("/")
    pid, _, start = process.partition("/")
    if host != socket.gethostname() or not boot or boot != _boot() or not pid.isdecimal():
        return False
    return _start_time(int(pid)) != start


def _boot() -> str:
    """This boot and this namespace of process numbers: two containers can have one host name, and each its
    own process 1."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:13]
        return boot + "-" + os.readlink("/proc/self/ns/pid").strip("pid:[]")
    except OSError:
        return ""


def _start_time(pid: int) -> str:
    """The start time of a process in clock ticks since boot (proc(5), field 22); empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""

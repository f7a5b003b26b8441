"""Who may write: the marker ``lease``. Taken before a pass's first write, renewed while acting."""

from __future__ import annotations

import json
import os
import socket
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


@dataclass(slots=True)
class Lease:
    """This process's hold on one environment."""

    owner: Owner
    runtime: Runtime
    holder: str = field(default_factory=lambda: process_name())
    taken: Held | None = None

    def other(self, observed: Observed) -> str | None:
        """Who else may write now; None when nobody does. A holder that is a dead process of this machine
        holds nothing: after a kill -9 nobody has to wait for its lease to run out."""
        held = read_lease(observed)
        if held.holder in ("", self.holder) or observed.at >= held.until or is_dead(held.holder):
            return None
        return held.holder

    async def take(self, observed: Observed) -> bool:
        """Take or renew it. False when somebody else was faster. Raises ProviderError."""
        held = read_lease(observed)
        if held.holder == self.holder and held.until - observed.at > SECONDS - RENEW:
            self.taken = held
            return True
        if self.other(observed) is not None:
            return False
        if not await self._write(held.sequence + 1, observed.at + SECONDS):
            return False
        self.taken = Held(self.holder, observed.at + SECONDS, held.sequence + 1)
        return True

    async def give_back(self) -> None:
        """End it by a newer marker that says so: nothing is said by deletion. Raises ProviderError."""
        if self.taken is not None:
            await self._write(self.taken.sequence + 1, 0.0)
            self.taken = None

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
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:13]
    except OSError:
        return ""


def _start_time(pid: int) -> str:
    """The start time of a process in clock ticks since boot (proc(5), field 22); empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""

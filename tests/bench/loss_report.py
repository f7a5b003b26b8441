"""What a load met: by its own count and by the application's log."""

from __future__ import annotations

import statistics
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loss_record import Kind, Outcome, Record

_NOTICED = (Kind.NEW, Kind.KEPT)
_UNHEARD = (Outcome.CLOSED_IDLE, Outcome.RESET, Outcome.TRUNCATED, Outcome.TIMEOUT, Outcome.WRONG_BODY)


@dataclass(frozen=True)
class Deploy:
    """One deploy: what should serve after it, and when its command began and ended (monotonic)."""

    version: str
    began: float
    ended: float
    refused: bool = False


@dataclass(frozen=True)
class Latency:
    """Seconds from the intended time of sending; of requests that were answered as they should be."""

    count: int
    p50: float
    p99: float
    most: float

    def __str__(self) -> str:
        return f"{self.p50 * 1000:.1f} / {self.p99 * 1000:.1f} / {self.most * 1000:.0f} ms"


@dataclass(frozen=True)
class ServerCount:
    """What the instances wrote down of requests (streams have names of their own), and where that and the
    client differ."""

    received: int
    unanswered: int
    """Received, and cut off by the instance's end."""
    again: int
    """Received more than once, though the client sent them once: somebody on the way repeated them."""
    twice: int
    """Answered more than once, though the client sent them once."""
    invented: int
    """Answered for the client, but by no instance."""
    unheard: int
    """Answered by an instance, and lost on the way to the client."""


@dataclass(frozen=True)
class Result:
    """What one site did."""

    name: str
    records: Sequence[Record]
    """Of requests, and of streams of events, which are not counted as requests: one that breaks is opened
    again and again."""
    deploys: Sequence[Deploy]
    turns: Sequence[float | None]
    server: ServerCount
    streams: dict[str, Any]

    @property
    def requests(self) -> list[Record]:
        return [r for r in self.records if r.kind is not Kind.EVENTS]

    @property
    def lost(self) -> int:
        return sum(1 for r in self.requests if r.is_lost)

    @property
    def turn(self) -> float:
        """The median of the seconds until only the new version was seen."""
        return statistics.median([t for t in self.turns if t is not None] or [float("nan")])


def count_outcomes(records: Iterable[Record]) -> Counter[tuple[Kind, Outcome]]:
    """How many of each kind had which outcome, the first time that they were sent."""
    return Counter((r.kind, r.outcome) for r in records)


def measure_latency(records: Iterable[Record]) -> Latency:
    """Of those that were not lost."""
    found = sorted(r.latency for r in records if not r.is_lost)
    return (
        Latency(len(found), percentile(found, 0.5), percentile(found, 0.99), found[-1])
        if found
        else Latency(0, 0.0, 0.0, 0.0)
    )


def percentile(values: Sequence[float], share: float) -> float:
    """Of sorted values, the smallest that this share of them does not exceed."""
    return values[max(0, -(-round(share * len(values) * 1000) // 1000) - 1)]


def measure_turns(records: Sequence[Record], deploys: Sequence[Deploy]) -> list[float | None]:
    """For each deploy the seconds from its begin until its version answered everything: until the last
    request was sent that another version answered, or none. None where that was so until the end."""
    versions = ((r.sent, "" if r.is_lost else r.version) for r in records if r.kind in _NOTICED)
    answered = sorted(versions)
    times = [sent for sent, _ in answered]
    turns: list[float | None] = []
    for number, deploy in enumerate(deploys):
        last = number + 1 == len(deploys)
        end = len(times) if last else bisect_left(times, deploys[number + 1].began)
        window = answered[bisect_left(times, deploy.began) : end]
        others = [sent for sent, version in window if version != deploy.version]
        is_new = bool(window) and window[-1][1] == deploy.version
        turns.append((others[-1] if others else deploy.began) - deploy.began if is_new else None)
    return turns


def measure_harm(records: Sequence[Record], version: str) -> tuple[int, int, float]:
    """Of a bad version: how many requests it answered, how many of these badly, and for how many seconds."""
    seen = [r for r in records if r.kind in _NOTICED and r.version == version]
    bad = [r for r in seen if r.is_lost_unless_repeated]
    return (
        len(seen),
        len(bad),
        max((r.sent for r in bad), default=0.0) - min((r.sent for r in bad), default=0.0),
    )


def read_log(folder: Path) -> tuple[Counter[str], Counter[str]]:
    """Ids that the instances received, and that they answered, with how often."""
    received, answered = Counter[str](), Counter[str]()
    for path in folder.glob("*.log"):
        for line in path.read_text().splitlines():
            mark, name, *_ = line.split(" ")
            (received if mark == "R" else answered)[name] += 1
    return received, answered


def compare(
    records: Sequence[Record], received: Mapping[str, int], answered: Mapping[str, int]
) -> ServerCount:
    """The client's count beside the instances'."""
    once = [r for r in records if r.outcome is not Outcome.CLOSED_CLEANLY]
    requests = [r for r in once if r.kind is not Kind.EVENTS]
    return ServerCount(
        sum(count for name, count in received.items() if name[0].isdigit()),
        sum(n - answered.get(name, 0) for name, n in received.items() if name[0].isdigit()),
        sum(1 for r in once if received.get(r.id, 0) > 1),
        sum(1 for r in once if answered.get(r.id, 0) > 1),
        sum(1 for r in requests if r.outcome is Outcome.OK and not answered.get(r.id)),
        sum(1 for r in requests if r.outcome in _UNHEARD and answered.get(r.id)),
    )

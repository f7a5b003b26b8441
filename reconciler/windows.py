"""When promotions may happen: windows and freezes, on the clocks of their time zones. Pure.

Each time of day is meant once a day. One that the clocks skip is the moment of the skip; of one that they
show twice, the first is meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

from specs.gate_times import DAYS, Freeze, Window, zone_named
from specs.promotion import Gates

_AHEAD: Final = 15
"""Days that are looked at: a window of one weekday may fall into what the clocks skip."""
_MOST_STEPS: Final = 200


def moment(wall: datetime, zone: tzinfo) -> float:
    """The moment at which the clocks of a zone first show, or skip, a time. Seconds since 1970."""
    first, last = (wall.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
    return first if first <= last else _skip(last, first, zone)


def _skip(before: float, after: float, zone: tzinfo) -> float:
    """The moment between two at which the clocks are put forward, to the second."""
    old = _offset(before, zone)
    low, high = int(before), int(after)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(middle, zone) == old else (low, middle)
    return float(high)


def _offset(at: float, zone: tzinfo) -> timedelta | None:
    return datetime.fromtimestamp(at, zone).utcoffset()


def is_open(windows: tuple[Window, ...], now: float) -> bool:
    """Whether one of them is open; without any, always."""
    return not windows or any(
        start <= now < end for w in windows for start, end in _spans(w, now, range(-1, 1))
    )


def next_opening(windows: tuple[Window, ...], now: float) -> float | None:
    """The first moment after ``now`` at which one of them opens."""
    spans = (span for window in windows for span in _spans(window, now, range(_AHEAD)))
    return min((start for start, _ in spans if start > now), default=None)


def _spans(window: Window, now: float, days: range) -> Iterator[tuple[float, float]]:
    """When it is open, from and until, as it begins on these days; today is 0."""
    zone = zone_named(window.timezone)
    today = datetime.fromtimestamp(now, zone).date()
    opens, closes = window.opens, window.closes
    is_overnight = closes is None or closes < opens
    for number in days:
        day = today + timedelta(days=number)
        if DAYS[day.weekday()] not in window.days:
            continue
        last = day + timedelta(days=1) if is_overnight else day
        start, end = _at(day, opens, zone), _at(last, closes or time(), zone)
        if start < end:
            yield start, end


def _at(day: date, clock: time, zone: tzinfo) -> float:
    return moment(datetime.combine(day, clock), zone)


def span_of(freeze: Freeze) -> tuple[float, float]:
    """From when until when nothing is promoted."""
    zone = zone_named(freeze.timezone)
    start, end = (moment(datetime.fromisoformat(day), zone) for day in (freeze.from_, freeze.until))
    return start, end


def frozen_by(freezes: tuple[Freeze, ...], now: float) -> tuple[Freeze, float] | None:
    """The freeze that lasts longest of those that hold now, and its end."""
    held = [(end, freeze) for freeze in freezes for start, end in (span_of(freeze),) if start <= now < end]
    if not held:
        return None
    end, freeze = max(held, key=lambda it: it[0])
    return freeze, end


def allowed_from(gates: Gates, now: float) -> float | None:
    """The first moment from now on at which a window is open and no freeze holds; None where none can be
    told."""
    for _ in range(_MOST_STEPS):
        frozen = frozen_by(gates.freezes, now)
        if frozen is not None:
            now = frozen[1]
        elif is_open(gates.windows, now):
            return now
        elif (opening := next_opening(gates.windows, now)) is not None:
            now = opening
        else:
            return None
    return None

"""Windows and freezes, on clocks that are put forward and back."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.windows import allowed_from, frozen_by, is_open, moment, next_opening
from specs.gate_times import DAYS, Freeze, Window
from specs.promotion import Gates

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo")
BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = {"days": DAYS[:5], "from": "09:00", "until": "17:00", "timezone": "Europe/Berlin"}


def at(text: str, zone: str = "Europe/Berlin", fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def window(**words: object) -> Window:
    return Window.model_validate({**OFFICE, **words})


def shown(now: float, zone: str = "Europe/Berlin") -> str:
    return datetime.fromtimestamp(now, ZoneInfo(zone)).isoformat(timespec="minutes")


def opening(found: Window, now: float) -> str:
    start = next_opening((found,), now)
    assert start is not None
    return shown(start, found.timezone)


def test_is_open_from_the_first_moment_and_until_the_last() -> None:
    office = (window(),)
    for text, expected in (
        ("2026-12-04T08:59:59", False),
        ("2026-12-04T09:00", True),
        ("2026-12-04T16:59:59", True),
        ("2026-12-04T17:00", False),
        ("2026-12-05T12:00", False),
    ):
        assert is_open(office, at(text)) is expected, text
    for now in ("2026-12-04T09:00", "2026-12-04T17:00"):
        assert opening(office[0], at(now)) == "2026-12-07T09:00+01:00", "the next one"


def test_without_windows_it_is_always_open() -> None:
    assert is_open((), 0.0)
    assert allowed_from(Gates(), 5.0) == 5.0


def test_a_window_may_last_into_the_next_day_and_until_midnight() -> None:
    night = window(**{"days": ["fri"], "from": "22:00", "until": "06:00"})
    assert is_open((night,), at("2026-12-05T05:59"))
    assert not is_open((night,), at("2026-12-06T05:59"))
    late = window(**{"days": ["fri"], "from": "22:00", "until": "24:00"})
    assert is_open((late,), at("2026-12-04T23:59"))
    assert not is_open((late,), at("2026-12-05T00:00"))


def test_what_the_clocks_skip_opens_with_the_skip() -> None:
    gap = window(**{"days": ["sun"], "from": "02:30", "until": "05:00"})
    assert opening(gap, at("2026-03-28T12:00")) == "2026-03-29T03:00+02:00"
    inside = window(**{"days": ["sun"], "from": "02:10", "until": "02:50"})
    assert opening(inside, at("2026-03-28T12:00")) == "2026-04-05T02:10+02:00"


def test_what_the_clocks_show_twice_is_meant_once() -> None:
    twice = window(**{"days": ["sun"], "from": "02:15", "until": "02:45"})
    assert opening(twice, at("2026-10-24T12:00")) == "2026-10-25T02:15+02:00"
    assert is_open((twice,), at("2026-10-25T02:30"))
    assert not is_open((twice,), at("2026-10-25T02:30", fold=1))


def test_midnight_that_is_skipped_begins_the_day_all_the_same() -> None:
    skipped = datetime(2026, 4, 24)
    assert shown(moment(skipped, ZoneInfo("Africa/Cairo")), "Africa/Cairo") == "2026-04-24T01:00+03:00"


def test_a_freeze_ends_with_its_day_and_the_longest_counts() -> None:
    freezes = tuple(
        Freeze.model_validate({"timezone": "Europe/Berlin", **words})
        for words in (
            {"from": "2026-12-20", "until": "2027-01-03", "reason": "holidays"},
            {"from": "2026-12-24T12:00", "until": "2026-12-27"},
        )
    )
    found = frozen_by(freezes, at("2026-12-25T00:00"))
    assert found is not None
    assert (found[0].reason, shown(found[1])) == ("holidays", "2027-01-03T00:00+01:00")
    assert frozen_by(freezes, at("2026-12-19T23:59:59")) is None
    assert frozen_by(freezes, at("2027-01-03T00:00")) is None


def test_may_be_tried_again_in_the_first_window_after_the_freeze() -> None:
    days = {"from": "2026-12-20", "until": "2027-01-03"}
    holidays = Freeze.model_validate({**days, "timezone": "Europe/Berlin"})
    gates = Gates(windows=(window(),), freezes=(holidays,))
    found = allowed_from(gates, at("2026-12-20T10:00"))
    assert found is not None
    assert shown(found) == "2027-01-04T09:00+01:00"


def test_gives_up_where_freezes_leave_no_window() -> None:
    monday = window(days=["mon"])
    freezes = tuple(
        Freeze.model_validate({"from": f"{2026 + n}-01-01", "until": f"{2027 + n}-01-01"}) for n in range(50)
    )
    gates = Gates(windows=(monday,), freezes=freezes)
    found = allowed_from(gates, at("2026-06-01T10:00"))
    assert found is not None
    assert shown(found)[:4] == "2076"


CLOCKS = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
WINDOWS = st.builds(
    lambda days, start, end, zone: (
        None
        if start == end
        else window(**{"days": sorted(days), "from": start, "until": end, "timezone": zone})
    ),
    st.sets(st.sampled_from(DAYS), min_size=1),
    CLOCKS,
    CLOCKS,
    st.sampled_from(ZONES),
).filter(bool)
# Two years with every change of the clocks in them.
MOMENTS = st.integers(int(at("2026-01-01T00:00")), int(at("2027-12-31T00:00"))).map(float)


@settings(max_examples=60, deadline=None)
@given(WINDOWS, MOMENTS)
def test_opens_when_it_says_and_not_before(found: Window, now: float) -> None:
    start = next_opening((found,), now)
    assert start is not None
    assert start > now
    assert is_open((found,), start)
    zone = ZoneInfo(found.timezone)
    before, after = (datetime.fromtimestamp(it, zone).utcoffset() for it in (start - 7200, start))
    # Where the clocks skip the end of one and the beginning of the next, one follows the other.
    assert before != after or not is_open((found,), start - 1)
    assert DAYS[datetime.fromtimestamp(start, ZoneInfo(found.timezone)).weekday()] in found.days


@settings(max_examples=60, deadline=None)
@given(WINDOWS, MOMENTS)
def test_is_open_while_the_clock_on_the_wall_shows_so(found: Window, now: float) -> None:
    """On days that are like any other day, by a definition of its own."""
    zone = ZoneInfo(found.timezone)
    days = [datetime.fromtimestamp(now + hours * 3600, zone).utcoffset() for hours in range(-30, 31)]
    if len(set(days)) > 1:
        return
    wall = datetime.fromtimestamp(now, zone)
    clock, start, end = wall.strftime("%H:%M"), found.from_, found.until
    today, yesterday = DAYS[wall.weekday()], DAYS[(wall - timedelta(days=1)).weekday()]
    if start < end:
        expected = start <= clock < end and today in found.days
    else:
        expected = (clock >= start and today in found.days) or (clock < end and yesterday in found.days)
    assert is_open((found,), now) is expected


@settings(max_examples=40, deadline=None)
@given(st.lists(WINDOWS, max_size=3), st.lists(st.tuples(MOMENTS, MOMENTS), max_size=3), MOMENTS)
def test_what_is_allowed_is_open_and_not_frozen(
    windows: list[Window], spans: list[tuple[float, float]], now: float
) -> None:
    texts = [sorted(datetime.fromtimestamp(it, BERLIN).date().isoformat() for it in span) for span in spans]
    freezes = tuple(
        Freeze.model_validate({"from": a, "until": b, "timezone": "Europe/Berlin"}) for a, b in texts if a < b
    )
    gates = Gates(windows=tuple(windows), freezes=freezes)
    found = allowed_from(gates, now)
    assert found is not None
    assert found >= now
    assert is_open(gates.windows, found)
    assert frozen_by(freezes, found) is None
    if found > now:
        assert not (is_open(gates.windows, found - 1) and frozen_by(freezes, found - 1) is None)


@pytest.mark.parametrize("zone", ZONES)
def test_every_time_of_two_years_has_one_moment(zone: str) -> None:
    """In order, none lost: a later time on the wall is never an earlier moment."""
    there, last = ZoneInfo(zone), 0.0
    wall = datetime(2026, 1, 1)
    while wall < datetime(2028, 1, 1):
        found = moment(wall, there)
        assert found >= last
        last, wall = found, wall + timedelta(hours=5, minutes=30)

"""When promotions may happen: windows and freezes among the gates.

Times of day and dates are those of the clock on the wall in a time zone of the IANA database.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, tzinfo
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from specs.model import Model

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: Final[tuple[Day, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""In the order of ``datetime.weekday``."""
_MIDNIGHT: Final = "24:00"
_DAY: Final = r"^\d{4}-\d\d-\d\d(T\d\d:\d\d)?$"

TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
EndOfDay = Annotated[str, StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,500}$")]


def refuse_no_day(text: str) -> str:
    """A date of the calendar, with or without a time of day. Raises ValueError."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("expected a date such as 2026-12-24, or 2026-12-24T18:00") from None
    return text


def refuse_no_days(days: tuple[Day, ...]) -> tuple[Day, ...]:
    """A window that never opens is a mistake. Raises ValueError."""
    if not days:
        raise ValueError("expected at least one day")
    return days


def refuse_no_zone(name: str) -> str:
    """A time zone that is known here. Raises ValueError."""
    try:
        zone_named(name)
    except (KeyError, ValueError, OSError):
        raise ValueError("expected a time zone such as Europe/Berlin") from None
    return name


def zone_named(name: str) -> tzinfo:
    """The time zone; the same object each time, read once. Raises KeyError, ValueError, OSError."""
    return UTC if name == "UTC" else ZoneInfo(name)


DayText = Annotated[str, StringConstraints(pattern=_DAY), AfterValidator(refuse_no_day)]
ZoneName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_+-]{0,31}(/[A-Za-z0-9_+-]{1,31}){0,2}$"),
    AfterValidator(refuse_no_zone),
]


class Window(Model):
    """When promotions may happen: while the clock on the wall shows a time from the first, before the second.
    Where the second is the earlier one, it is that of the next day."""

    days: Annotated[tuple[Day, ...], Field(max_length=7), AfterValidator(refuse_no_days)] = Field(
        default=DAYS,
        description="The days on which it begins; default: every day.",
        examples=[["mon", "tue"]],
    )
    from_: TimeOfDay = Field(alias="from", description="The time at which it opens.", examples=["09:00"])
    until: EndOfDay = Field(description="The time at which it closes; 24:00 is midnight.", examples=["17:00"])
    timezone: ZoneName = Field(default="UTC", description="Whose clock it is.", examples=["Europe/Berlin"])

    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        if self.from_ == self.until:
            raise ValueError("expected an until other than from; a whole day is from 00:00 until 24:00")
        return self

    @property
    def opens(self) -> time:
        """The time at which it opens."""
        return time.fromisoformat(self.from_)

    @property
    def closes(self) -> time | None:
        """The time at which it closes; None: with the day."""
        return None if self.until == _MIDNIGHT else time.fromisoformat(self.until)


class Freeze(Model):
    """When no promotion may happen, whatever the windows say."""

    from_: DayText = Field(alias="from", description="Its first day, or moment.", examples=["2026-12-20"])
    until: DayText = Field(
        description="The day, or moment, from which promotions go on.", examples=["2027-01-03"]
    )
    timezone: ZoneName = Field(default="UTC", description="Whose clock it is.", examples=["Europe/Berlin"])
    reason: Line | None = Field(
        default=None, description="Why; shown to who is refused.", examples=["holidays"]
    )

    @model_validator(mode="after")
    def _has_a_length(self) -> Self:
        if datetime.fromisoformat(self.from_) >= datetime.fromisoformat(self.until):
            raise ValueError("expected an until later than from")
        return self

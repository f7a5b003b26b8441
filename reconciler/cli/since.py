"""Since when: an age such as 10m, or a time as RFC 3339 writes it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_AGE = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_NANO = 1_000_000_000


def read_since(text: str, now: float) -> int:
    """The moment in nanoseconds since 1970; ``now`` in seconds is what an age counts from. A time without
    a zone is UTC. Raises ValueError."""
    age = _AGE.fullmatch(text)
    if age:
        return max(0, round((now - float(age[1]) * _UNITS[age[2]]) * _NANO))
    moment = datetime.fromisoformat(text)
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * _NANO)

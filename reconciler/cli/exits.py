"""Exit codes (contracts, section 2) and which of several wins."""

from __future__ import annotations

from collections.abc import Iterable

DONE = 0
ERROR = 1
PENDING = 2
CANNOT_TELL = 3
REFUSED = 4
FAILED = 5
USAGE = 64
INTERRUPTED = 130

_PRECEDENCE = (INTERRUPTED, USAGE, ERROR, REFUSED, FAILED, PENDING, CANNOT_TELL, DONE)


def worst(codes: Iterable[int]) -> int:
    """The code that wins: a proven difference outranks an unread one. No code at all is ``DONE``."""
    given = set(codes)
    return next((code for code in _PRECEDENCE if code in given), DONE)

"""The nearest name, for messages."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_SAFE = re.compile(r"[A-Za-z0-9_.*?@/:+<>\[\]-]{1,100}")

_LONGEST = 64
_MAX_DIFFERENCE = 8
_MAX_CANDIDATES = 100


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant. Of very many names only those that begin alike are looked at."""
    candidates = [other for other in names if abs(len(other) - len(name)) <= _MAX_DIFFERENCE]
    if len(candidates) > _MAX_CANDIDATES:
        alike = sorted(other for other in candidates if other[:2] == name[:2])
        candidates = alike[:_MAX_CANDIDATES]
    matches = difflib.get_close_matches(name[:_LONGEST], candidates, n=1, cutoff=0.6)
    return matches[0] if matches else None


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """``did you mean "replicas"?``, or nothing."""
    found = nearest(name, names)
    return f'did you mean "{found}"?' if found else ""


def shown(name: str) -> str:
    """A name in quotes; one that is no plain word is not shown, it may be anything."""
    return f'"{name}"' if _SAFE.fullmatch(name) else "(not shown)"

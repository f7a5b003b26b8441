"""The nearest name, for messages."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_SAFE = re.compile(r"[A-Za-z0-9_.*?@/:+<>\[\]-]{1,100}")


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant."""
    matches = difflib.get_close_matches(name[:64], list(names), n=1, cutoff=0.6)
    return matches[0] if matches else None


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """``did you mean "replicas"?``, or nothing."""
    found = nearest(name, names)
    return f'did you mean "{found}"?' if found else ""


def shown(name: str) -> str:
    """A name in quotes; one that is no plain word is not shown, it may be anything."""
    return f'"{name}"' if _SAFE.fullmatch(name) else "(not shown)"

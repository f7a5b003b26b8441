"""Which version of the API is spoken with an engine. Pure."""

from __future__ import annotations

from providers.docker.faults import EngineError, unclear
from providers.docker.tree import text
from reconciler.desired import Json

OLDEST = (1, 41)
NEWEST = (1, 51)
"""The newest version whose answers were read while writing this; a newer engine speaks it too."""


def choose_version(where: str, answer: Json) -> str:
    """The API version to speak with an engine that answered this to /version: its newest, at most ours;
    its oldest where even that is newer than ours. Raises EngineError for one that is too old."""
    newest, oldest = _pair(text(answer, "ApiVersion")), _pair(text(answer, "MinAPIVersion"))
    if newest is None:
        raise unclear(where, "no ApiVersion in the answer to /version")
    if newest < OLDEST:
        raise EngineError(
            "DKR005",
            where,
            f"it speaks API {newest[0]}.{newest[1]}",
            f"API {OLDEST[0]}.{OLDEST[1]} or newer (Docker Engine 20.10)",
            "upgrade the engine",
        )
    chosen = max(min(newest, NEWEST), oldest or OLDEST)
    return f"{chosen[0]}.{chosen[1]}"


def _pair(version: str) -> tuple[int, int] | None:
    major, _, minor = version.partition(".")
    return (int(major), int(minor)) if major.isdecimal() and minor.isdecimal() else None

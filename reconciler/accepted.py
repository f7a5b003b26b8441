"""What an environment accepted last: marker ``source`` (design, section 5). Pure.

It names the source that may act, the newest commit that was accepted from it, the tag by which that came, and
the engine that it was accepted for. Every part but the first may be missing, as any marker may.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace

from reconciler.desired import Json
from reconciler.observed import Marker
from reconciler.ownership import Owner, short_digest
from reconciler.strict_json import read_object

SOURCE = "source"
"""Kind of the marker."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """One acceptance. ``source`` as in the label ``reconciler.source``; ``engine`` is the engine's own id."""

    source: str
    commit: str | None = None
    tag: str | None = None
    engine: str | None = None
    by_hand: bool = False
    """A person accepted it, by ``adopt``: an older commit too."""

    def write(self) -> str:
        """The value of the marker."""
        value = {"source": self.source, "commit": self.commit, "tag": self.tag, "engine": self.engine}
        told = {name: text for name, text in value.items() if text}
        return json.dumps({**told, **({"by": "adopt"} if self.by_hand else {})}, sort_keys=True)

    def says(self, other: Accepted) -> bool:
        """The same, whoever said it."""
        return replace(self, by_hand=False) == replace(other, by_hand=False)


def read_accepted(marker: Marker | None) -> Accepted | None:
    """What a marker says; None without one, or where it cannot be understood."""
    try:
        value = read_object(marker.value) if marker else {}
        commit, tag, engine = (_text(value, name) for name in ("commit", "tag", "engine"))
        return Accepted(str(value["source"]), commit, tag, engine, value.get("by") == "adopt")
    except (ValueError, KeyError):
        return None


def is_other_engine(
    known: str | None, seen: str, accepted: Accepted | None, instances: Collection[object]
) -> bool:
    """Whether this is another engine than the one that is known, and nothing says that it is meant: it holds
    no instance of ours, and nobody accepted it."""
    if not known or not seen or known == seen or instances:
        return False
    return accepted is None or accepted.engine != seen


def engine_confirmation(owner: Owner, engine: str) -> str:
    """The id that accepts exactly this engine for an environment."""
    return short_digest("\n".join((str(owner), "engine", engine)))


def _text(value: dict[str, Json], name: str) -> str | None:
    found = value.get(name)
    return found if isinstance(found, str) and found else None

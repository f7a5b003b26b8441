"""Typed reading of the engine's JSON: a missing branch is empty, a leaf of another type is its zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from reconciler.desired import Json

Node: TypeAlias = Mapping[str, Json]
_NEVER = "0001-01-01T00:00:00"


def branch(node: Json | Node, *path: str) -> Node:
    """The object at a path; empty when there is none."""
    found = _descend(node, path)
    return found if isinstance(found, dict) else {}


def rows(node: Json | Node, *path: str) -> Sequence[Json]:
    """The list at a path; empty when there is none."""
    found = _descend(node, path)
    return found if isinstance(found, list) else ()


def nodes(node: Json | Node, *path: str) -> list[Node]:
    """The objects in the list at a path."""
    return [row for row in rows(node, *path) if isinstance(row, dict)]


def text(node: Json | Node, *path: str) -> str:
    """The string at a path; empty when there is none."""
    found = _descend(node, path)
    return found if isinstance(found, str) else ""


def texts(node: Json | Node, *path: str) -> list[str]:
    """The strings in the list at a path."""
    return [row for row in rows(node, *path) if isinstance(row, str)]


def text_map(node: Json | Node, *path: str) -> dict[str, str]:
    """The string members of the object at a path."""
    return {key: value for key, value in branch(node, *path).items() if isinstance(value, str)}


def whole(node: Json | Node, *path: str) -> int:
    """The integer at a path; 0 when there is none."""
    found = _descend(node, path)
    return found if isinstance(found, int) else 0


def flag(node: Json | Node, *path: str) -> bool:
    """Whether the value at a path is true."""
    return _descend(node, path) is True


def moment(node: Json | Node, *path: str) -> float | None:
    """The RFC 3339 time at a path as seconds since 1970; None where it is absent or the engine's zero."""
    written = text(node, *path)
    if not written or written.startswith(_NEVER):
        return None
    try:
        return datetime.fromisoformat(written).timestamp()
    except ValueError:
        return None


def _descend(node: Json | Node, path: Sequence[str]) -> Json | Node:
    found: Json | Node = node
    for key in path:
        if not isinstance(found, dict):
            return None
        found = found.get(key)
    return found

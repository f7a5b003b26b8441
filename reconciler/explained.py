"""Where the values come from that a plan's actions are about: ``plan --explain``. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reconciler.decision import Plan
from reconciler.desired import Json
from reconciler.difference import Cause
from reconciler.render import Style, shorten
from reconciler.render_json import JsonObject
from reconciler.render_values import render_value, value_json
from specs.effective import Effective
from specs.origin import Value, values_of


@dataclass(frozen=True, slots=True)
class Explained:
    """The values of one document that causes name, each with where it came from."""

    kind: str
    name: str
    values: tuple[Value, ...]


def explain(found: Effective, plans: Iterable[Plan]) -> tuple[Explained, ...]:
    """By document, sorted. What is the same for every document of its kind, a default, is in it too."""
    paths: dict[tuple[str, str], set[str]] = {}
    for action in (action for plan in plans for action in plan.actions):
        kind, name = action.subject.kind, action.subject.name
        if kind == "Image" and name in found.images:
            paths.setdefault((kind, name), set()).add("build")
        elif kind == "Service" and name in found.services:
            paths.setdefault((kind, name), set()).update(_paths(action.cause))
    explained = (_explained(found, kind, name, asked) for (kind, name), asked in sorted(paths.items()))
    return tuple(it for it in explained if it.values)


def _paths(cause: Cause) -> Iterable[str]:
    """The fields that a cause names: those that differ, and the first word of what is said in words."""
    yield from (diff.path for diff in cause.diffs)
    yield from (ref.partition(" ")[0] for ref in cause.refs)


def _explained(found: Effective, kind: str, name: str, asked: Iterable[str]) -> Explained:
    values = [value for value in values_of(found, kind, name) if _is_asked(".".join(value.path), asked)]
    if kind == "Image":
        values = [value for value in values if value.origin.kind != "default"]
    return Explained(kind, name, tuple(values))


def _is_asked(path: str, asked: Iterable[str]) -> bool:
    return any(path == it or path.startswith(f"{it}.") or it.startswith(f"{path}.") for it in asked)


def render_explained(explained: Sequence[Explained], style: Style) -> str:
    """The values as text; empty without any."""
    lines: list[str] = []
    for it in explained:
        lines.append(style.bold(f"where the values of {it.kind} {shorten(it.name)} come from"))
        lines += [render_value(value, style) for value in it.values]
    return "".join(f"{line}\n" for line in lines)


def explained_json(explained: Sequence[Explained]) -> list[Json]:
    """Member ``explained`` of output ``plan``."""
    found: list[JsonObject] = [
        {"kind": it.kind, "name": it.name, "values": [value_json(value) for value in it.values]}
        for it in explained
    ]
    return [*found]

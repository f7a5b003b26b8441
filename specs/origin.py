"""Where each value of an effective document came from, for ``render``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from specs.effective import Effective
from specs.model import Model, SecretRef
from specs.node import Map, Node, Scalar
from specs.problem import Place

Written: TypeAlias = "bool | int | float | str | list[Written] | dict[str, Written] | None"


@dataclass(frozen=True, slots=True)
class Origin:
    """A document's own line, a patch's, a variable (``name``, at the line that uses it), or a default."""

    kind: Literal["document", "patch", "variable", "default"]
    file: str | None = None
    line: int | None = None
    column: int | None = None
    name: str | None = None

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.file else ""
        words = [
            self.kind if self.kind != "document" else "",
            f"${{{self.name}}}" if self.name else "",
            where,
        ]
        return " ".join(word for word in words if word)


@dataclass(frozen=True, slots=True)
class Value:
    """One value of an effective document. ``path`` holds field names and the keys of maps."""

    path: tuple[str, ...]
    value: Written
    origin: Origin


DEFAULT = Origin("default")


def values_of(effective: Effective, kind: str, name: str) -> tuple[Value, ...]:
    """Every value of one effective document, lists whole, in the order of the model. Raises KeyError."""
    models = {
        "Service": effective.services,
        "Image": effective.images,
        "Registry": effective.registries,
        "Network": effective.networks,
        "Volume": effective.volumes,
        "Config": effective.configs,
        "Secret": effective.secrets,
    }
    model: Model = models[kind][name]
    node = effective.nodes[kind, name]
    found: list[Value] = []
    _collect(model.model_dump(mode="json"), node, (), found)
    return tuple(found)


def _collect(value: Written, node: Node | None, path: tuple[str, ...], found: list[Value]) -> None:
    if isinstance(value, dict) and set(value) != set(SecretRef.model_fields) and (value or node is None):
        for key, part in value.items():
            _collect(part, node.get(key) if isinstance(node, Map) else None, (*path, key), found)
    elif not (node is None and value in (None, [], {})):
        found.append(Value(path, value, _origin_of(node)))


def _origin_of(node: Node | None) -> Origin:
    if node is None:
        return DEFAULT
    place: Place = node.place
    if isinstance(node, Scalar) and node.variables:
        return Origin("variable", place.file, place.line, place.column, node.variables[0])
    return Origin("patch" if place.patch else "document", place.file, place.line, place.column)

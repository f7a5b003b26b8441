"""The tree that a document is read into: every value and key with its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from specs.problem import Place


@dataclass(frozen=True, slots=True)
class Scalar:
    """Text with its place. ``plain`` tells unquoted text, whose type is still to be read."""

    text: str
    place: Place
    plain: bool = False
    variables: tuple[str, ...] = ()
    """Variables that were put into the text."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple[Node, ...]
    place: Place


class Entry(NamedTuple):
    """The value of a key, and the place of the key."""

    key_place: Place
    node: Node


@dataclass(frozen=True, slots=True)
class Map:
    """A mapping with text keys, in the order of the file."""

    entries: Mapping[str, Entry]
    place: Place

    def get(self, key: str) -> Node | None:
        """The value of a key, or None."""
        entry = self.entries.get(key)
        return entry.node if entry else None

    def place_of(self, key: str) -> Place:
        """The place of a key; the mapping's own where the key is absent."""
        entry = self.entries.get(key)
        return entry.key_place if entry else self.place

    def map_of(self, key: str) -> Map:
        """The mapping under a key; an empty one where there is none."""
        node = self.get(key)
        return node if isinstance(node, Map) else Map({}, self.place)

    def with_entry(self, key: str, node: Node) -> Map:
        """The same mapping with one value replaced."""
        return replace(self, entries={**self.entries, key: Entry(self.place_of(key), node)})


Node: TypeAlias = Scalar | Sequence | Map


def is_null(node: Node | None) -> bool:
    """Whether the node is YAML's null as the language spells it: ``null`` or nothing at all."""
    return isinstance(node, Scalar) and node.plain and node.text in ("", "null")


def holds(node: Node, text: str) -> bool:
    """Whether any value at or below the node has the text in it."""
    if isinstance(node, Scalar):
        return text in node.text
    if isinstance(node, Sequence):
        return any(holds(item, text) for item in node.items)
    return any(holds(entry.node, text) for entry in node.entries.values())


def nearest_place(node: Node, path: tuple[object, ...]) -> tuple[Place, Node]:
    """The place and node at a path, or of the deepest part of it that exists. A key's own place where the
    last step is a key."""
    place = node.place
    for step in path:
        if isinstance(node, Map) and isinstance(step, str) and step in node.entries:
            place, node = node.entries[step]
        elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            place = node.place
        else:
            break
    return place, node

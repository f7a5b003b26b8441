"""A set of models that refer to one another by name, with the places of their values, for checks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from specs.image import Image
from specs.node import Map, nearest_place
from specs.problem import Place
from specs.registry import Registry
from specs.resource import Config, Network, Secret, Volume
from specs.service import Service


@dataclass(frozen=True, slots=True)
class Catalog:
    """Models by name. ``declared`` holds all names of a kind, also those whose model is not known."""

    declared: Mapping[str, Collection[str]]
    nodes: Mapping[tuple[str, str], Map]
    services: Mapping[str, Service] = field(default_factory=dict)
    salvaged: Mapping[str, Service] = field(default_factory=dict)
    """What is right in services that have problems: only the names in them are checked."""
    images: Mapping[str, Image] = field(default_factory=dict)
    registries: Mapping[str, Registry] = field(default_factory=dict)
    networks: Mapping[str, Network] = field(default_factory=dict)
    volumes: Mapping[str, Volume] = field(default_factory=dict)
    configs: Mapping[str, Config] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict)

    def place(self, kind: str, name: str, *path: str | int) -> Place:
        """The place of a value of a document."""
        return nearest_place(self.nodes[kind, name], path)[0]

    def key_place(self, kind: str, name: str, field_name: str, key: str) -> Place:
        """The place of a key in a mapping of a document."""
        return self.nodes[kind, name].map_of(field_name).place_of(key)

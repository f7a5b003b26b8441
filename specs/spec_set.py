"""What a load gives: every document under a spec path, as a tree with places and as a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from specs.environment import Environment
from specs.lock import Lock
from specs.model import Model
from specs.node import Map, nearest_place
from specs.problem import Place
from specs.reference import Digest
from specs.release import Release, ReleasedService, RemovedService

M = TypeVar("M", bound=Model)
Key = tuple[str, str]
"""Kind and name of a document."""


@dataclass(frozen=True, slots=True)
class Written:
    """One document. ``spec`` is in normal form; ``model`` is None while values wait for variables, or
    when there were problems."""

    kind: str
    name: str
    place: Place
    spec: Map
    model: Model | None
    salvaged: Model | None = None
    """Where the document has problems: the model of what is right in it."""
    templated: bool = False
    """It holds a ``$``: variables have to be put in before it has a model."""

    @property
    def subject(self) -> str:
        """How messages name it."""
        return f"{self.kind} {self.name}"

    def place_of(self, *path: str | int) -> Place:
        """The place of the value at a path in the spec, or of its nearest parent."""
        return nearest_place(self.spec, path)[0]


@dataclass(frozen=True, slots=True)
class SpecSet:
    """All documents under one spec path."""

    path: str
    documents: Mapping[Key, Written]

    def of_kind(self, kind: str) -> dict[str, Written]:
        """The documents of a kind, by name, sorted."""
        return {name: self.documents[found, name] for found, name in sorted(self.documents) if found == kind}

    def models(self, kind: str, model: type[M]) -> dict[str, M]:
        """The models of a kind, by name, where there is one already."""
        written = self.of_kind(kind)
        return {name: found.model for name, found in written.items() if isinstance(found.model, model)}

    def salvaged(self, kind: str, model: type[M]) -> dict[str, M]:
        """What is right in the documents of a kind that have problems, by name."""
        written = self.of_kind(kind)
        return {name: found.salvaged for name, found in written.items() if isinstance(found.salvaged, model)}

    @property
    def locks(self) -> dict[str, Digest]:
        """The digest of each reference that the lock names, by the reference as written."""
        entries = [entry for lock in self.models("Lock", Lock).values() for entry in lock.images.items()]
        return {text: Digest(digest) for text, digest in entries}

    def released(self, environment_name: str) -> Mapping[str, ReleasedService]:
        """What the environment's Release says, by service."""
        release = self.models("Release", Release).get(environment_name)
        return {} if release is None else release.services

    def removed(self, environment_name: str) -> Mapping[str, RemovedService]:
        """What a promotion took away from the environment, by service."""
        release = self.models("Release", Release).get(environment_name)
        return {} if release is None else release.removed

    @property
    def environments(self) -> dict[str, Environment]:
        """The environments, by name."""
        return self.models("Environment", Environment)

    @property
    def counts(self) -> dict[str, int]:
        """How many documents there are of each kind."""
        return dict(sorted(Counter(kind for kind, _ in self.documents).items()))

"""The documents that ``init`` writes, by file below the spec folder, and its remarks on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from reconciler.compose.tree import JsonObject
from reconciler.desired import Json

Topic = Literal[
    "secret", "variable", "renamed", "config", "volume", "host", "image-volume", "data", "restart", "job"
]
"""What a remark is about: something that is written in another way."""
Loss = Literal["dropped", "ignored", "profile", "port", "tag", "adopt", "example", "route"]
"""What a remark is about: something that is not carried over, or that the user may want to know."""


@dataclass(frozen=True, slots=True)
class Note:
    """One line for the user. ``subject`` is a service or a resource, empty for the whole."""

    topic: Topic | Loss
    subject: str
    text: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.text}" if self.subject else self.text


@dataclass(slots=True)
class Draft:
    """What is to be written. ``secrets`` are values that the Compose files hold, by secret: they go nowhere
    unless the user asks for it; None where there is none."""

    files: dict[str, list[JsonObject]] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    exclude: list[str] = field(default_factory=list)
    allow: JsonObject = field(default_factory=dict)
    secrets: dict[str, str | None] = field(default_factory=dict, repr=False)

    exposed: set[str] = field(default_factory=set)
    """Files of the repository that hold passwords: git should not have them."""

    def add(self, file_name: str, kind: str, name: str, spec: Mapping[str, Json]) -> None:
        """One more document; one of that kind and name that is there already stays."""
        there = {(part["kind"], _name(part)) for documents in self.files.values() for part in documents}
        if (kind, name) not in there:
            self.files.setdefault(file_name, []).append(document(kind, name, spec))

    def of_kind(self, kind: str) -> dict[str, JsonObject]:
        """The specs of a kind, by name."""
        parts = [part for documents in self.files.values() for part in documents if part["kind"] == kind]
        return {_name(part): spec for part in parts if isinstance(spec := part["spec"], dict)}

    def note(self, topic: Topic | Loss, subject: str, text: str) -> None:
        """One more line for the user, once."""
        note = Note(topic, subject, text)
        if note not in self.notes:
            self.notes.append(note)


def _name(part: JsonObject) -> str:
    metadata = part["metadata"]
    return str(metadata["name"]) if isinstance(metadata, dict) else ""


def document(kind: str, name: str, spec: Mapping[str, Json]) -> JsonObject:
    """A document in its envelope."""
    return {"apiVersion": "reconciler/v1", "kind": kind, "metadata": {"name": name}, "spec": dict(spec)}


def add_image(draft: Draft, name: str, build: Mapping[str, Json]) -> None:
    """An Image in the ``local`` registry."""
    spec: JsonObject = {"registry": "local", "repository": name, "build": dict(build)}
    draft.add(f"{name}.yaml", "Image", name, spec)

"""Outputs about files of a repository, and about ourselves."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from reconciler.outputs.parts import Envelope, Part


class RemarkPart(Part):
    """What ``init`` wrote in another way, or left out."""

    topic: str
    subject: str | None
    text: str


class AdoptPart(Part):
    """A container of Compose that a service can take over from."""

    service: str
    container: str


class InitOutput(Envelope):
    """``reconciler init --json``."""

    files: list[str]
    notes: list[str]
    remarks: list[RemarkPart]
    secrets: list[str]
    adopt: list[AdoptPart]


class SecretsOutput(Envelope):
    """``reconciler init --secrets FOLDER --json``: the names that were written."""

    secrets: list[str]


class LockedPart(Part):
    """One reference and the digest that it means."""

    reference: str
    digest: str | None
    before: str | None
    result: str
    users: list[str]


class LockOutput(Envelope):
    """``reconciler lock --json``."""

    result: Literal["written", "nothing", "refused"]
    path: str
    entries: list[LockedPart]


class OriginPart(Part):
    """Where a value comes from."""

    kind: str
    file: str | None
    line: int | None
    column: int | None
    name: str | None


class ValuePart(Part):
    """One value of a document."""

    path: str
    value: JsonValue
    origin: OriginPart


class DocumentPart(Part):
    """One document as it counts; ``commit`` where it is read at another one."""

    kind: str
    name: str
    commit: str | None
    values: list[ValuePart]


class RenderOutput(Envelope):
    """``reconciler render ENV --json``."""

    documents: list[DocumentPart]


class SchemaOutput(Envelope):
    """``reconciler schema --json``."""

    json_schema: dict[str, JsonValue]


class CodePart(Part):
    """One code in words."""

    code: str
    meaning: str
    cause: str
    example: str | None
    remedy: str


class ExplainOutput(Envelope):
    """``reconciler explain --json``."""

    codes: list[CodePart]


class PostedPart(Part):
    """What became of one thing at the forge."""

    about: str
    result: str
    number: int | None = Field(description="Of the comment, the issue or the pull request.")
    link: str | None


class PostOutput(Envelope):
    """``reconciler post --json``."""

    posted: list[PostedPart]

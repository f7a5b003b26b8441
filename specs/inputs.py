"""The input document of an image: everything that decides what a build gives, and its key.

One line of canonical JSON whose ``files`` is the manifest's text, so that ten thousand files cost
milliseconds. The key needs neither network nor engine (design, section 6).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from specs.image import Build
from specs.manifest import Manifest
from specs.reference import Digest

VERSION = "reconciler.inputs/v1"
_KEY = re.compile(r"in-[0-9a-f]{32}")
Change: TypeAlias = tuple[str, str | None, str | None]
"""What changed, its value before and after; None where there was or is none."""
_Fields: TypeAlias = dict[str, str]
_DICTIONARIES = ("args", "bases", "images")
_LISTS = ("platforms", "secrets")


class InvalidDocument(ValueError):
    """The bytes are no input document of a version that we know."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What decides an image. ``bases`` maps each reference as written to its locked digest or None;
    ``images`` maps the names of contexts to the input keys of images of ours; ``args`` are declared ones."""

    dockerfile: bytes
    manifest: Manifest
    build: Build
    args: Mapping[str, str]
    bases: Mapping[str, Digest | None]
    images: Mapping[str, str]


def input_document(inputs: Inputs) -> bytes:
    """The canonical document: sorted keys, ASCII, versioned."""
    document = {
        "version": VERSION,
        "dockerfile": inputs.dockerfile.decode("utf-8", "surrogateescape"),
        "files": inputs.manifest.text,
        "target": inputs.build.target,
        "platforms": sorted(inputs.build.platforms),
        "args": dict(inputs.args),
        "bases": {name: str(digest) if digest else None for name, digest in inputs.bases.items()},
        "images": dict(inputs.images),
        "secrets": sorted(inputs.build.secrets),
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode("ascii")


def input_key(document: bytes) -> str:
    """The tag ``in-`` and 32 hexadecimal digits."""
    return f"in-{hashlib.sha256(document).hexdigest()[:32]}"


def is_input_key(text: str) -> bool:
    """Whether it is an input key, and no reference as written."""
    return _KEY.fullmatch(text) is not None


def compare(before: bytes, after: bytes) -> list[Change]:
    """Which inputs differ: ``Dockerfile``, ``target``, ``platforms``, ``file PATH``, ``arg NAME``,
    ``base REFERENCE``, ``image NAME``, ``secrets``. Raises ``InvalidDocument``."""
    if before == after:
        return []
    one, other = _flat(before), _flat(after)
    names = sorted(one.keys() | other.keys())
    return [(name, one.get(name), other.get(name)) for name in names if one.get(name) != other.get(name)]


def _flat(document: bytes) -> _Fields:
    try:
        loaded = json.loads(document)
        if not isinstance(loaded, dict) or loaded["version"] != VERSION:
            raise InvalidDocument("not an input document of this version")
        return dict(_fields(loaded))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, InvalidDocument):
            raise
        raise InvalidDocument("not an input document") from error


def _fields(loaded: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    text = str(loaded["dockerfile"])
    yield "Dockerfile", hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    if loaded["target"] is not None:
        yield "target", str(loaded["target"])
    for name in _LISTS:
        items = loaded[name]
        if isinstance(items, list) and items:
            yield name, ", ".join(str(item) for item in items)
    for name in _DICTIONARIES:
        members = loaded[name]
        if isinstance(members, dict):
            for key, value in members.items():
                yield f"{name[:-1]} {key}", "as written" if value is None else str(value)
    yield from _files(str(loaded["files"]).split("\0"))


def _files(records: Sequence[str]) -> Iterator[tuple[str, str]]:
    for record in records:
        head, tab, path = record.partition("\t")
        if tab:
            mode, _, oid = head.split(" ")
            yield f"file {path}", f"{mode} {oid[:12]}"

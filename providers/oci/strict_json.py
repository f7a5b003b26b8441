"""JSON from outside: objects only, no key twice, no depth that ends the process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast


def parse_object(text: bytes) -> Mapping[str, object]:
    """A JSON object. Raises ``ValueError`` with a message that quotes nothing of the text."""
    try:
        document: object = json.loads(text, object_pairs_hook=_without_duplicates)
    except RecursionError:
        raise ValueError("JSON that is nested too deeply") from None
    except _DuplicateKey:
        raise ValueError("JSON with a key twice in one object") from None
    except ValueError:
        raise ValueError("no JSON") from None
    return as_object(document)


def as_object(node: object) -> Mapping[str, object]:
    """The same node as an object. Raises ``ValueError``."""
    if not isinstance(node, dict):
        raise ValueError("JSON that is no object where one belongs")
    return cast("Mapping[str, object]", node)


def as_list(node: object) -> list[object]:
    """The same node as a list. Raises ``ValueError``."""
    if not isinstance(node, list):
        raise ValueError("JSON that is no list where one belongs")
    return cast("list[object]", node)


class _DuplicateKey(ValueError):
    """One key twice: readers disagree about which counts."""


def _without_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise _DuplicateKey
    return document

"""Holds a JSON value to a schema of ours: the words of draft 2020-12 that our schemas use, and no others."""

from __future__ import annotations

import re
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}
_TOLD = {"$schema", "$defs", "title", "description", "default"}
"""Words that ask for nothing."""


def faults(value: Any, schema: Any, root: Any = None, path: str = "$") -> list[str]:
    """What is not as the schema says, each with its path. Raises KeyError for a word it does not know."""
    root = schema if root is None else root
    found: list[str] = []
    for word, asked in schema.items():
        if word not in _TOLD:
            found += _WORDS[word](value, asked, schema, root, path)
    return found


def _type(value: Any, asked: Any, schema: Any, root: Any, path: str) -> list[str]:
    is_one = isinstance(value, _TYPES[asked]) and (asked == "boolean" or not isinstance(value, bool))
    return [] if is_one else [f"{path}: {value!r:.60} is no {asked}"]


def _ref(value: Any, asked: str, schema: Any, root: Any, path: str) -> list[str]:
    return faults(value, root["$defs"][asked.removeprefix("#/$defs/")], root, path)


def _any_of(value: Any, asked: Any, schema: Any, root: Any, path: str) -> list[str]:
    tried = [faults(value, part, root, path) for part in asked]
    return [] if [] in tried else [f"{path}: none of {len(tried)}", *min(tried, key=len)]


def _all_of(value: Any, asked: Any, schema: Any, root: Any, path: str) -> list[str]:
    return [fault for part in asked for fault in faults(value, part, root, path)]


def _not(value: Any, asked: Any, schema: Any, root: Any, path: str) -> list[str]:
    return [] if faults(value, asked, root, path) else [f"{path}: it is {asked!r:.200}"]


def _properties(value: Any, asked: Any, schema: Any, root: Any, path: str) -> list[str]:
    known = [name for name in asked if isinstance(value, dict) and name in value]
    return [fault for name in known for fault in faults(value[name], asked[name], root, f"{path}.{name}")]


def _additional(value: Any, asked: Any, schema: Any, root: Any, path: str) -> list[str]:
    rest = (
        [name for name in value if name not in schema.get("properties", ())]
        if isinstance(value, dict)
        else []
    )
    if isinstance(asked, bool):
        return [] if asked or not rest else [f"{path}: {rest}"]
    return [fault for name in rest for fault in faults(value[name], asked, root, f"{path}.{name}")]


def _required(value: Any, asked: Any, schema: Any, root: Any, path: str) -> list[str]:
    missing = [name for name in asked if isinstance(value, dict) and name not in value]
    return [f"{path}: without {name}" for name in missing]


def _items(value: Any, asked: Any, schema: Any, root: Any, path: str) -> list[str]:
    parts = enumerate(value) if isinstance(value, list) else ()
    return [fault for number, part in parts for fault in faults(part, asked, root, f"{path}[{number}]")]


def _enum(value: Any, asked: Any, schema: Any, root: Any, path: str) -> list[str]:
    return [] if value in asked else [f"{path}: {value!r:.60} is none of {asked}"]


def _const(value: Any, asked: Any, schema: Any, root: Any, path: str) -> list[str]:
    return [] if value == asked else [f"{path}: {value!r:.60} is not {asked!r}"]


def _pattern(value: Any, asked: str, schema: Any, root: Any, path: str) -> list[str]:
    return (
        [f"{path}: {value!r:.60} is not {asked}"]
        if isinstance(value, str) and not re.search(asked, value)
        else []
    )


def _longest(value: Any, asked: int, schema: Any, root: Any, path: str) -> list[str]:
    return [f"{path}: too long"] if isinstance(value, str) and len(value) > asked else []


def _shortest(value: Any, asked: int, schema: Any, root: Any, path: str) -> list[str]:
    return [f"{path}: too short"] if isinstance(value, str) and len(value) < asked else []


_WORDS: dict[str, Any] = {
    "type": _type,
    "$ref": _ref,
    "anyOf": _any_of,
    "allOf": _all_of,
    "not": _not,
    "properties": _properties,
    "additionalProperties": _additional,
    "required": _required,
    "items": _items,
    "enum": _enum,
    "const": _const,
    "pattern": _pattern,
    "maxLength": _longest,
    "minLength": _shortest,
}

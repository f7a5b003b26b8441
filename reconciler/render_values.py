"""Effective values with where each came from, as text and as JSON. Pure."""

from __future__ import annotations

import json

from reconciler.render import Style, escape
from reconciler.render_json import JsonObject
from specs.origin import Value


def render_value(value: Value, style: Style) -> str:
    """One line: path, value, where it came from."""
    shown = escape(json.dumps(value.value, ensure_ascii=False), 200)
    return f"  {escape('.'.join(value.path))}: {shown}  {style.faint(f'# {escape(str(value.origin))}')}"


def value_json(value: Value) -> JsonObject:
    """The same as an object."""
    origin = value.origin
    return {
        "path": ".".join(value.path),
        "value": json.loads(json.dumps(value.value)),
        "origin": {
            "kind": origin.kind,
            "file": origin.file,
            "line": origin.line,
            "column": origin.column,
            "name": origin.name,
        },
    }

"""JSON Schema of a Run file as people write it, for editors.

Made from the models; ``specs/schema/run.v1.json`` is its committed text.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from specs.document import API_VERSION
from specs.json_schema import as_written
from specs.run_file import RunSpec
from specs.schema_words import ENVELOPE

SCHEMA_FILE: Final = Path(__file__).parent / "schema" / "run.v1.json"


def text() -> str:
    """The schema as committed: sorted, indented, one line end at its end."""
    return json.dumps(schema(), indent=2, sort_keys=True) + "\n"


def schema() -> dict[str, Any]:
    """The schema as a JSON value."""
    made = TypeAdapter[Any](RunSpec).json_schema()
    definitions = {name: as_written(part) for name, part in made.pop("$defs").items()}
    metadata = {"type": "object", "properties": {"name": {"type": "string"}}, "additionalProperties": False}
    words: dict[str, dict[str, Any]] = {
        "apiVersion": {"const": API_VERSION},
        "kind": {"const": "Run"},
        "metadata": metadata,
        "spec": {"$ref": "#/$defs/RunSpec"},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What a loop keeps, reconciler/v1",
        "type": "object",
        "properties": {name: {**part, "description": ENVELOPE[name]} for name, part in words.items()},
        "required": ["apiVersion", "kind", "spec"],
        "additionalProperties": False,
        "$defs": {**definitions, "RunSpec": as_written(made)},
    }

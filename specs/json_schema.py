"""JSON Schema of the language as people write it, short forms included, for editors.

Made from the models; ``specs/schema/reconciler.v1.json`` is its committed text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from specs.document import Document
from specs.schema_words import ENVELOPE, EXAMPLES, MEANINGS

SCHEMA_FILE: Final = Path(__file__).parent / "schema" / "reconciler.v1.json"
_RESERVED: Final = {"Environment": ("follows",)}
_TEXT: Final[dict[str, Any]] = {"type": ["string", "integer"]}
_NAME: Final[dict[str, Any]] = {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"}
_PAIRS: Final[dict[str, Any]] = {"type": "array", "items": {"type": "string", "pattern": "^[^=]+="}}
_PORT: Final[dict[str, Any]] = {
    "type": ["string", "integer"],
    "examples": ["8080:80", "127.0.0.1:8080:80/udp", "8000-8002:8000-8002"],
}
_VOLUME: Final[dict[str, Any]] = {
    "type": "string",
    "pattern": "^[^~.:][^:]*:/[^:]*(:(ro|rw))?$",
    "examples": ["data:/var/lib/data", "/etc/localtime:/etc/localtime:ro"],
}


def text() -> str:
    """The schema as committed: sorted, indented, one line end at its end."""
    return json.dumps(schema(), indent=2, sort_keys=True) + "\n"


def schema() -> dict[str, Any]:
    """The schema as a JSON value."""
    made = TypeAdapter[Any](Document).json_schema()
    definitions = {name: as_written(part) for name, part in made["$defs"].items()}
    for kind, fields in _RESERVED.items():
        for field in fields:
            del definitions[kind]["properties"][field]
    _explain(definitions)
    _add_long_forms(definitions)
    for name, forms in _FORMS.items():
        for field, more in forms.items():
            properties = definitions[name]["properties"]
            properties[field] = _widened(properties[field], more)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Reconciler specs, reconciler/v1",
        "$defs": definitions,
        **{key: value for key, value in made.items() if key != "$defs"},
    }


def _explain(definitions: dict[str, Any]) -> None:
    """Every property gets its meaning, and an example where nothing else shows what to write."""
    for name, model in definitions.items():
        meanings = ENVELOPE if name.endswith("Document") else MEANINGS.get(name, {})
        examples = EXAMPLES.get(name, {})
        for field, part in model.get("properties", {}).items():
            if field in meanings and "description" not in part:
                part["description"] = meanings[field]
            if field in examples and "examples" not in part:
                part["examples"] = [examples[field]]


def as_written(value: Any) -> Any:
    """Without what only the models say: titles, nulls, defaults that are empty."""
    if isinstance(value, list):
        return [as_written(item) for item in value]
    if not isinstance(value, dict):
        return value
    members = value.get("anyOf")
    if isinstance(members, list) and {"type": "null"} in members:
        rest = [member for member in members if member != {"type": "null"}]
        others = {key: part for key, part in value.items() if key != "anyOf"}
        return as_written({**others, **(rest[0] if len(rest) == 1 else {"anyOf": rest})})
    kept = {key: as_written(part) for key, part in value.items() if not _is_noise(key, part)}
    if "properties" in value:
        kept["properties"] = {name: as_written(part) for name, part in value["properties"].items()}
    if "patternProperties" in value:
        kept["additionalProperties"] = False
    if isinstance(kept.get("description"), str):
        kept["description"] = " ".join(kept["description"].replace("``", "").split())
    return kept


def _is_noise(key: str, value: Any) -> bool:
    return (key == "title" and isinstance(value, str)) or (
        key == "default" and isinstance(value, (dict, list, type(None)))
    )


def _widened(written: Mapping[str, Any], forms: list[dict[str, Any]]) -> dict[str, Any]:
    """The same property with more forms; what describes it stays outside."""
    outside = {key: part for key, part in written.items() if key in ("description", "examples")}
    inside = {key: part for key, part in written.items() if key not in outside}
    return {**outside, "anyOf": [*forms, inside]}


def _array_of(*members: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": {"anyOf": list(members)}}


def _add_long_forms(definitions: dict[str, Any]) -> None:
    """A list's long forms: the entry of the map, with its key, the target, as a field of its own."""
    networks = definitions["Service"]["properties"]["networks"]["patternProperties"]
    for pattern, attachment in networks.items():
        networks[pattern] = {"anyOf": [attachment, {"type": "null"}]}
    path = {"type": "string", "description": "The path in the container.", "examples": ["/etc/app"]}
    number = {"type": ["string", "integer"], "pattern": "^[1-9][0-9]{0,4}$"}
    port = definitions["Port"]
    numbers = {name: {**port["properties"][name], **number} for name in ("target", "published")}
    definitions["PortWritten"] = {**port, "properties": {**port["properties"], **numbers}}
    for name, required in (("Mount", ["target"]), ("FileMount", ["source"])):
        model = definitions[name]
        properties = {**model["properties"], "target": path}
        definitions[f"{name}Written"] = {**model, "properties": properties, "required": required}


_WORD: Final[dict[str, Any]] = {"type": "string"}
_HOST: Final[dict[str, Any]] = {**_WORD, "pattern": "^[^=:]+[=:].+$", "examples": ["db.internal=10.0.0.2"]}
_TMPFS: Final[dict[str, Any]] = {**_WORD, "pattern": "^/", "examples": ["/run", "/run:size=64m,mode=755"]}
_LISTED_FILES: Final = [_WORD, _array_of(_WORD, {"$ref": "#/$defs/ListedFile"})]
_FILE_MOUNTS: Final = [_array_of(_NAME, {"$ref": "#/$defs/FileMountWritten"})]
_FORMS: Final[Mapping[str, Mapping[str, list[dict[str, Any]]]]] = {
    "Service": {
        "command": [{"type": "string"}],
        "entrypoint": [{"type": "string"}],
        "environment": [_PAIRS],
        "labels": [_PAIRS],
        "ports": [_array_of(_PORT, {"$ref": "#/$defs/PortWritten"})],
        "volumes": [_array_of(_VOLUME, {"$ref": "#/$defs/MountWritten"})],
        "networks": [_array_of(_NAME)],
        "depends_on": [_array_of(_NAME)],
        "configs": _FILE_MOUNTS,
        "secrets": _FILE_MOUNTS,
        "annotations": [_PAIRS],
        "sysctls": [_PAIRS],
        "dns": [_WORD],
        "gpus": [{"const": "all"}],
        "dns_search": [_WORD],
        "env_file": _LISTED_FILES,
        "label_file": _LISTED_FILES,
        "extra_hosts": [_array_of(_HOST), {"type": "object", "additionalProperties": _WORD}],
        "tmpfs": [_TMPFS, _array_of(_TMPFS)],
        "ulimits": [{"type": "object", "additionalProperties": {"type": "integer", "minimum": -1}}],
    },
    "Healthcheck": {"test": [{"type": "string"}]},
    "PreDeploy": {"command": [_WORD]},
    "PostDeploy": {"command": [_WORD]},
    "PreStop": {"command": [_WORD]},
    "Check": {"command": [_WORD]},
    "Network": {"labels": [_PAIRS]},
    "Volume": {"labels": [_PAIRS]},
}

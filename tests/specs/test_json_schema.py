"""The committed schema is that of the models, and knows the forms that people write."""

from __future__ import annotations

import json
from typing import Any

import pytest

from specs.document import KINDS
from specs.json_schema import SCHEMA_FILE, schema, text
from specs.load import SpecFile, load
from specs.schema_words import EXAMPLES, MEANINGS
from specs.service import Service


def test_the_committed_schema_is_not_stale() -> None:
    assert SCHEMA_FILE.read_text() == text(), "run: reconciler schema > specs/schema/reconciler.v1.json"


def properties() -> dict[str, dict[str, Any]]:
    """``Model.field`` -> its schema, of every property of every definition."""
    definitions = schema()["$defs"].items()
    return {f"{n}.{field}": part for n, d in definitions for field, part in d.get("properties", {}).items()}


def test_has_every_kind() -> None:
    assert set(schema()["discriminator"]["mapping"]) == set(KINDS)


def test_describes_every_field() -> None:
    silent = [name for name, part in properties().items() if not part.get("description")]
    assert silent == [], "give it Field(description=…), or a line in MEANINGS of specs/schema_words.py"


def shows_what_to_write(part: dict[str, Any]) -> bool:
    if any(key in part for key in ("examples", "enum", "const", "default", "$ref")):
        return True
    return part.get("type") == "boolean" or any(shows_what_to_write(p) for p in part.get("anyOf", ()))


def test_shows_what_to_write_in_every_field() -> None:
    bare = [name for name, part in properties().items() if not shows_what_to_write(part)]
    assert bare == [], "give it Field(examples=[…]), or a line in EXAMPLES of specs/schema_words.py"


def test_the_tables_have_no_line_too_many() -> None:
    known = properties()
    for table in (MEANINGS, EXAMPLES):
        spare = [f"{name}.{field}" for name, fields in table.items() for field in fields]
        assert [name for name in spare if name not in known and not name.endswith(".target")] == []


@pytest.mark.parametrize("field", sorted(Service.model_fields))
def test_an_example_of_a_service_is_what_it_takes(field: str) -> None:
    part = schema()["$defs"]["Service"]["properties"][field]
    for example in part.get("examples", ()):
        limits = {"limits": {"memory": "64M"}}
        spec = {"image": "redis:7", "deploy": {"resources": limits}, field: example}
        text = json.dumps(
            {"apiVersion": "reconciler/v1", "kind": "Service", "metadata": {"name": "web"}, "spec": spec}
        )
        _, problems = load([SpecFile("specs/web.yaml", text.encode())])
        unfit = {"SPEC007", "SPEC012", "SPEC013", "SPEC014", "SPEC015", "SPEC016", "SPEC017", "SPEC018"}
        assert [str(problem) for problem in problems if problem.code in unfit] == []


def test_allows_short_forms_and_no_null() -> None:
    found = schema()
    service = found["$defs"]["Service"]["properties"]
    assert service["ports"]["anyOf"][0]["type"] == "array"
    assert service["command"]["anyOf"][0] == {"type": "string"}
    assert {"type": "null"} not in json.loads(json.dumps(service["user"])).get("anyOf", [])

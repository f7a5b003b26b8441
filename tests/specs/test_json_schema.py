"""The committed schema is that of the models, and knows the forms that people write."""

from __future__ import annotations

import json

from specs.document import KINDS
from specs.json_schema import SCHEMA_FILE, schema, text


def test_the_committed_schema_is_not_stale() -> None:
    assert SCHEMA_FILE.read_text() == text(), "run: reconciler schema > specs/schema/reconciler.v1.json"


def test_has_every_kind_and_describes_every_field_of_a_service() -> None:
    found = schema()
    assert set(found["discriminator"]["mapping"]) == set(KINDS)
    properties = found["$defs"]["Service"]["properties"]
    assert [name for name, part in properties.items() if not part.get("description")] == []


def test_allows_short_forms_and_no_null() -> None:
    found = schema()
    service = found["$defs"]["Service"]["properties"]
    assert service["ports"]["anyOf"][0]["type"] == "array"
    assert service["command"]["anyOf"][0] == {"type": "string"}
    assert {"type": "null"} not in json.loads(json.dumps(service["user"])).get("anyOf", [])
    assert "follows" not in found["$defs"]["Environment"]["properties"]

"""The committed schema of the Run file is that of the models, and describes every word."""

from __future__ import annotations

from specs.run_schema import SCHEMA_FILE, schema, text


def test_the_committed_schema_is_not_stale() -> None:
    assert SCHEMA_FILE.read_text() == text(), "run: reconciler schema --run > specs/schema/run.v1.json"


def test_describes_every_field() -> None:
    silent = [
        f"{name}.{field}"
        for name, model in schema()["$defs"].items()
        for field, part in model.get("properties", {}).items()
        if not part.get("description")
    ]
    assert silent == [], "give it Field(description=…)"

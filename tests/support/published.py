"""Every JSON object that a test has printed is held to the schema that is published for its verb."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from json_schema import faults

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "schema"


@cache
def _schema(verb: str) -> Any:
    return json.loads((FOLDER / f"{verb}.v1.json").read_text())


def hold_to_schema(found: Any) -> None:
    """Raises AssertionError with the members that are not as published."""
    _, verb, _ = found["schema"].split("/")
    told = faults(found, _schema(verb))
    assert not told, f"not as docs/schema/{verb}.v1.json says: {told[:5]}"

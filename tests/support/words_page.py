"""Writes docs/words.md from the models, the provider's table and the refused words: run it when they change.

python tests/support/words_page.py
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "words.md"
_HEAD = """# Words of a Service

<!-- Written by tests/support/words_page.py from the models and from providers/docker/words.py. -->

What may stand under `spec` of a Service, and what becomes of an edit by hand on the engine. A word means what
it means in the Compose Specification; our own are `route`, `rollout`, `hooks` and `drift`. What a spec does
not say is never compared. `reconciler schema` prints the same for editors.

- **seen live**: the live container is compared with what was applied, field by field. A dot at the end
  of a word stands for the members of its map, each a field of its own. Else the reason why not.
- **healed**: *in place* changes the running container (`docker update`, connect, disconnect); *by
  replacement* brings a new instance by the service's own rollout, and the old one serves until the new
  one has proved itself.
- **from**: the version of the engine's API that knows the word. On an older engine the plan is blocked,
  because the engine would drop it without a word. Without an entry: every engine from 20.10 on.

| word | says | example | seen live | healed | from |
|---|---|---|---|---|---|
"""
_REFUSED = """
## Words of Compose that are refused

| word | why, and what to do |
|---|---|
"""
_RESERVED = """
## Words that are reserved

They are part of the language; this version does not act on them and says so.

| word | meanwhile |
|---|---|
"""
_HEALED = {"in place": "in place", "replacement": "by replacement", "never": "-"}


def page() -> str:
    """The whole page."""
    from specs.words import COMPOSE_REFUSED, NOT_YET

    refused = {name: remedy for (kind, name), remedy in COMPOSE_REFUSED.items() if kind == "Service"}
    reserved = {name: remedy for (kind, name), remedy in NOT_YET.items() if kind == "Service"}
    parts = [_HEAD, *_supported(), _REFUSED, *_pairs(refused), _RESERVED, *_pairs(reserved)]
    return "".join(parts)


def _pairs(words: dict[str, str]) -> Iterator[str]:
    for name, remedy in sorted(words.items()):
        yield _row(f"`{name}`", remedy or "-")


def _supported() -> Iterator[str]:
    from providers.docker.words import WORDS
    from specs.json_schema import schema

    definitions = schema()["$defs"]
    for word in sorted(WORDS, key=lambda word: word.path):
        field = _field(definitions, word.path.rstrip(".").split("."))
        examples = field.get("examples", [])
        example = f"`{json.dumps(examples[0])}`" if examples else ""
        since = f"API {word.since[0]}.{word.since[1]}" if word.since else ""
        seen = word.unseen or "yes"
        yield _row(f"`{word.path}`", field.get("description", ""), example, seen, _HEALED[word.healed], since)


def _field(definitions: dict[str, Any], path: list[str]) -> dict[str, Any]:
    """What the schema says of a field below Service; ``*`` is any member of a map."""
    found: dict[str, Any] = {"$ref": "#/$defs/Service"}
    for step in path:
        model = _model(definitions, found)
        found = model if step == "*" else model.get("properties", {}).get(step, {})
    return found


def _model(definitions: dict[str, Any], field: dict[str, Any]) -> dict[str, Any]:
    """The model of a field, of one of its forms, or of the members of its map, that has named fields."""
    if "$ref" in field:
        field = definitions[field["$ref"].rpartition("/")[2]]
    if "properties" in field:
        return field
    parts = [*field.get("anyOf", []), *field.get("patternProperties", {}).values()]
    members = field.get("additionalProperties")
    parts += [members] if isinstance(members, dict) else []
    models = [_model(definitions, part) for part in parts]
    return next((model for model in models if model), {})


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page())

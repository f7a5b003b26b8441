"""Where the documents stand that an output is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.desired import Json
    from reconciler.render_json import JsonObject
    from specs.spec_set import SpecSet


def with_places(members: JsonObject, specs: SpecSet) -> JsonObject:
    """The members with ``place`` in each of ``services``: where its Service document begins, null where git
    has none."""
    services = members.get("services")
    if not isinstance(services, list):
        return members
    found: list[Json] = [_placed(entry, specs) if isinstance(entry, dict) else entry for entry in services]
    return {**members, "services": found}


def _placed(entry: JsonObject, specs: SpecSet) -> JsonObject:
    written = specs.documents.get(("Service", str(entry.get("service"))))
    if written is None:
        return {**entry, "place": None}
    place = written.place
    return {**entry, "place": {"file": place.file, "line": place.line, "column": place.column}}

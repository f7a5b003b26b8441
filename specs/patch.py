"""JSON Merge Patch (RFC 7396) over the normal form, places kept: a patched value has the patch's place."""

from __future__ import annotations

from specs.node import Entry, Map, Node, Scalar, Sequence, is_null
from specs.problem import Place, Report
from specs.suggest import did_you_mean, shown


def apply_patch(target: Node | None, patch: Node, report: Report) -> Node:
    """The patched tree. Null deletes; deleting what is absent is a problem."""
    if not isinstance(patch, Map):
        return _marked(patch)
    before = target if isinstance(target, Map) else Map({}, _mark(patch.place))
    entries = dict(before.entries)
    for key, (place, node) in patch.entries.items():
        existing = entries.get(key)
        if not is_null(node):
            key_place = existing.key_place if existing and isinstance(node, Map) else _mark(place)
            entries[key] = Entry(key_place, apply_patch(existing.node if existing else None, node, report))
        elif existing is None:
            hint = did_you_mean(key, entries)
            report.add("SPEC034", place, f"null for {shown(key)}, which is absent", remedy=hint)
        else:
            del entries[key]
    return Map(entries, before.place)


def _mark(place: Place) -> Place:
    return place._replace(patch=True)


def _marked(node: Node) -> Node:
    if isinstance(node, Scalar):
        return Scalar(node.text, _mark(node.place), node.plain)
    if isinstance(node, Sequence):
        return Sequence(tuple(_marked(item) for item in node.items), _mark(node.place))
    entries = {key: Entry(_mark(place), _marked(item)) for key, (place, item) in node.entries.items()}
    return Map(entries, _mark(node.place))

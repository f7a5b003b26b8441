"""How Compose merges one description over another: several files, ``extends``, ``!reset``, ``!override``.

Both sides are in their canonical form, where what is keyed is a map: so a map is merged key by key, a list is
appended without repeats, and anything else is replaced.
"""

from __future__ import annotations

from typing import Final

from reconciler.compose.tree import Tree
from reconciler.compose.yaml_file import Override, Reset

_REPLACED: Final = {"command", "entrypoint", "test"}


def merge(under: Tree, over: Tree) -> Tree:
    """``over`` on top of ``under``; marks are resolved."""
    merged = dict(under)
    for key, value in over.items():
        if isinstance(value, Reset):
            merged.pop(key, None)
        elif isinstance(value, Override):
            merged[key] = settled(value.value)
        elif key in merged and value is not None:
            merged[key] = _merged(key, merged[key], value)
        elif key not in merged:
            merged[key] = settled(value)
    return merged


def _merged(key: str, old: object, new: object) -> object:
    if isinstance(old, dict) and isinstance(new, dict):
        if key == "logging" and old.get("driver") and new.get("driver") not in (None, old["driver"]):
            return settled(new)
        return merge(old, new)
    if isinstance(old, list) and isinstance(new, list) and key not in _REPLACED:
        added = [settled(part) for part in new]
        return [*old, *(part for part in added if part not in old)]
    return settled(new)


def settled(value: object) -> object:
    """A value that has nothing under it: ``!reset`` parts go, ``!override`` parts stay as they are."""
    if isinstance(value, Override):
        return settled(value.value)
    if isinstance(value, dict):
        return {key: settled(part) for key, part in value.items() if not isinstance(part, Reset)}
    if isinstance(value, list):
        return [settled(part) for part in value if not isinstance(part, Reset)]
    return None if isinstance(value, Reset) else value

"""What a proxy has loaded beside what is desired. Pure.

A configuration that we load bears a mark: the digest of all the rest of it. So it is seen of one that differs
whether it is what we gave, for another commit, or was changed by hand; and nothing is remembered elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence

from providers.caddy.routes import Node
from reconciler.desired import Json

MARK = "@id"
"""Caddy keeps such a member, gives it back and does nothing else with it."""
NOTHING = ("",)
"""What differs where nothing is loaded at all."""
MOST = 20
Digest = Callable[[str, str], str]
"""The digest of a secret's value: name and value."""


def marked(config: Node) -> Node:
    """The configuration with its mark."""
    return {**config, "apps": {MARK: f"reconciler-{_digest(config)}", **_apps(config)}}


def without_mark(config: Node) -> tuple[Node, bool]:
    """The configuration without its mark, and whether the mark is that of what is there."""
    apps = _apps(config)
    mark = apps.pop(MARK, None)
    bare = {**config, "apps": apps}
    return bare, mark == f"reconciler-{_digest(bare)}"


def _apps(config: Node) -> Node:
    apps = config.get("apps")
    return dict(apps) if isinstance(apps, dict) else {}


def _canonical(config: Json) -> str:
    return json.dumps(config, sort_keys=True)


def _digest(config: Json) -> str:
    return hashlib.sha256(_canonical(config).encode()).hexdigest()[:32]


def differences(desired: Node, live: Node) -> tuple[str, ...]:
    """Paths at which two configurations differ, the first of them; two numbers are the same by value."""
    found: list[str] = []
    # Nearly always they are the same, which is seen ten times faster by their text.
    if _canonical(desired) != _canonical(live):
        _walk(desired, live, "", found)
    return tuple(found[:MOST])


def _walk(desired: Json, live: Json, path: str, found: list[str]) -> None:
    if len(found) >= MOST:
        return
    if isinstance(desired, dict) and isinstance(live, dict):
        for name in sorted({*desired, *live}):
            inner = f"{path}.{name}" if path else name
            if name not in desired or name not in live:
                found.append(inner)
            else:
                _walk(desired[name], live[name], inner, found)
    elif isinstance(desired, list) and isinstance(live, list) and len(desired) == len(live):
        for index, (one, other) in enumerate(zip(desired, live, strict=True)):
            _walk(one, other, f"{path}[{index}]", found)
    elif desired != live or isinstance(desired, bool) != isinstance(live, bool):
        found.append(path)


def masked(config: Node, pairs: Sequence[tuple[str, str]], digest: Digest) -> Node:
    """The configuration with the digests of PEM texts in their place. ``pairs``: the names of the secrets
    that are to be there, in order; what is there besides is digested under no name."""
    place = ("apps", "tls", "certificates", "load_pem")
    loaded: Json = config
    for name in place:
        loaded = loaded.get(name) if isinstance(loaded, dict) else None
    if not isinstance(loaded, list):
        return config
    named = [*pairs, *[("", "")] * len(loaded)]
    return _replaced(config, place, [_masked_pair(it, named[i], digest) for i, it in enumerate(loaded)])


def _replaced(node: Json, place: Sequence[str], value: Json) -> Node:
    name, *rest = place
    found: Node = dict(node) if isinstance(node, dict) else {}
    found[name] = _replaced(found.get(name), rest, value) if rest else value
    return found


def _masked_pair(pair: Json, names: tuple[str, str], digest: Digest) -> Json:
    if not isinstance(pair, dict):
        return pair
    found: Node = dict(pair)
    for member, name in zip(("certificate", "key"), names, strict=True):
        if isinstance(value := pair.get(member), str):
            found[member] = digest(name, value)
    return found


def hide(words: str, values: Mapping[str, str]) -> str:
    """Somebody else's words without the lines of secret texts."""
    for value in values.values():
        for line in (value, *value.splitlines()):
            if len(line) >= 8:
                words = words.replace(line, "***")
    return words

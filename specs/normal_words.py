"""The short forms of the words about one container -> the normal form, places kept."""

from __future__ import annotations

import re
from typing import Final

from specs.mounts import is_plain_path
from specs.node import Entry, Map, Node, Scalar, Sequence, is_null
from specs.problem import Place, Report
from specs.scalar import quoted, read_text
from specs.suggest import shown

_TMPFS: Final = "a path such as /run or /run:size=64m,mode=755"
_HOST: Final = "a name and its address such as db.internal=10.0.0.2"
_SIZE = re.compile(r"[0-9]{1,15}[bkmgtBKMGT]?")
_MODE = re.compile(r"0?[0-7]{3,4}")
_ACCOUNT = re.compile(r"0|[1-9][0-9]{0,8}")
_USUAL: Final = ("rw", "noexec", "nosuid", "nodev")
"""Options of a tmpfs that say what is so without them."""


def listed(node: Node, report: Report) -> Node:
    """One word -> a list of it."""
    return Sequence((node,), node.place) if isinstance(node, Scalar) and not is_null(node) else node


def listed_files(node: Node, report: Report) -> Node:
    """A path, or a list of paths and long forms -> a list of long forms."""
    node = listed(node, report)
    if not isinstance(node, Sequence):
        return node
    files = (
        Map({"path": Entry(item.place, item)}, item.place) if isinstance(item, Scalar) else item
        for item in node.items
    )
    return Sequence(tuple(files), node.place)


def ulimits(node: Node, report: Report) -> Node:
    """One number for a limit -> the soft and the hard one."""
    if not isinstance(node, Map):
        return node
    return Map(
        {name: Entry(place, _limit(limit)) for name, (place, limit) in node.entries.items()}, node.place
    )


def _limit(node: Node) -> Node:
    if not isinstance(node, Scalar) or is_null(node):
        return node
    return Map({name: Entry(node.place, node) for name in ("soft", "hard")}, node.place)


def extra_hosts(node: Node, report: Report) -> Node:
    """``name=address`` or ``name:address`` in a list, or a map of one address a name -> lists by name."""
    if isinstance(node, Map):
        addresses = {name: Entry(place, listed(item, report)) for name, (place, item) in node.entries.items()}
        return Map(addresses, node.place)
    if not isinstance(node, Sequence):
        return node
    found: dict[str, tuple[Place, list[Node]]] = {}
    for item in node.items:
        text = read_text(item, report, _HOST)
        if text is None or not isinstance(item, Scalar):
            continue
        name, _, address = text.partition("=") if "=" in text else text.partition(":")
        if not name or not address:
            report.add("SPEC018", item.place, "a host that cannot be read", expected=_HOST)
        else:
            found.setdefault(name, (item.place, []))[1].append(quoted(address, item))
    entries = {name: Entry(place, Sequence(tuple(items), place)) for name, (place, items) in found.items()}
    return Map(entries, node.place)


def tmpfs(node: Node, report: Report) -> Node:
    """A path with options, or a list of them -> a map by path."""
    node = listed(node, report)
    if isinstance(node, Map):
        return Map({path: _opened(path, entry, report) for path, entry in node.entries.items()}, node.place)
    if not isinstance(node, Sequence):
        return node
    entries: dict[str, Entry] = {}
    for item in node.items:
        text = read_text(item, report, _TMPFS)
        if text is None or not isinstance(item, Scalar):
            continue
        written, _, options = text.partition(":")
        path = written.rstrip("/") if len(written) > 1 else written
        entry = _opened(path, Entry(item.place, _options(options, item, report)), report)
        if path in entries:
            first = entries[path].key_place.line
            report.add("SPEC020", item.place, f"{shown(path)} stands twice", remedy=f"first at line {first}")
        entries[path] = entry
    return Map(entries, node.place)


def _opened(path: str, entry: Entry, report: Report) -> Entry:
    """``/run:`` with nothing after it means no options; ``null`` deletes in a patch."""
    place, node = entry
    if path.startswith("/") and not is_plain_path(path):
        seen = "a path in the container that is not in its plain form"
        report.add("SPEC019", place, seen, expected="a path such as /run")
    if isinstance(node, Scalar) and node.plain and node.text == "":
        return Entry(place, Map({}, node.place))
    return Entry(place, octal_mode(node))


def octal_mode(node: Node) -> Node:
    """Modes are octal by nature: plain digits are text here."""
    mode = node.get("mode") if isinstance(node, Map) else None
    if isinstance(node, Map) and isinstance(mode, Scalar) and not is_null(mode):
        return node.with_entry("mode", quoted(mode.text, mode))
    return node


def _options(written: str, like: Scalar, report: Report) -> Map:
    """``size=64m,mode=755``: as for mount, modes are octal without a zero in front."""
    entries: dict[str, Entry] = {}
    for option in filter(None, written.split(",")):
        name, _, value = option.partition("=")
        if name == "size" and _SIZE.fullmatch(value):
            entries[name] = Entry(like.place, quoted(value, like))
        elif name == "mode" and _MODE.fullmatch(value):
            entries[name] = Entry(like.place, quoted(f"0o{value}", like))
        elif name in ("uid", "gid") and _ACCOUNT.fullmatch(value):
            entries[name] = Entry(like.place, quoted(value, like))
        elif option == "exec":
            entries[name] = Entry(like.place, Scalar("true", like.place, True))
        elif option not in _USUAL:
            remedy = "of the options after the ':' size, mode, uid, gid and exec are supported"
            report.add("SPEC018", like.place, "a tmpfs that cannot be read", expected=_TMPFS, remedy=remedy)
    return Map(entries, like.place)

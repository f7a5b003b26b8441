"""Compose's short and long forms of volumes, configs and secrets -> maps keyed by the target path."""

from __future__ import annotations

import posixpath
from typing import Final

from specs.node import Entry, Map, Node, Scalar, Sequence, is_null
from specs.problem import Place, Report
from specs.scalar import quoted, read_text
from specs.suggest import shown

_EXPECTED: Final = "a volume such as data:/var/lib/data or data:/var/lib/data:ro"
_CONFIG: Final = "write a document of kind Config with file, and name it under configs"
SECRETS_FOLDER: Final = "/run/secrets/"
READABLE_HOST_FILES: Final = ("/etc/localtime", "/etc/timezone")
"""Host files that every service may read."""
_PROPAGATIONS: Final = ("private", "rprivate", "shared", "rshared", "slave", "rslave")


def is_plain_path(path: str) -> bool:
    """Absolute, without ``.``, ``..``, empty parts or a slash at the end; not the root itself."""
    return (
        path.startswith("/")
        and path != "/"
        and not path.startswith("//")
        and posixpath.normpath(path) == path
    )


def normalise_volumes(node: Node, report: Report) -> Node:
    """A list of mounts -> the normal form; a map passes, its targets checked."""
    if isinstance(node, Map):
        _check_targets(node, report)
    if not isinstance(node, Sequence):
        return node
    entries: dict[str, Entry] = {}
    for item in node.items:
        found = _long(item, report, "") if isinstance(item, Map) else _short(item, report)
        if found:
            _enter(entries, found[0], Entry(item.place, found[1]), report)
    return Map(entries, node.place)


def normalise_files(node: Node, folder: str, report: Report) -> Node:
    """A list of configs or secrets -> the normal form; targets default to the name in ``folder``."""
    if isinstance(node, Map):
        _check_targets(node, report)
        return Map({key: Entry(at, _with_mode(item)) for key, (at, item) in node.entries.items()}, node.place)
    if not isinstance(node, Sequence):
        return node
    entries: dict[str, Entry] = {}
    for item in node.items:
        if isinstance(item, Map):
            found = _long(item, report, folder)
        else:
            name = read_text(item, report, "a name")
            found = (
                (folder + name, _named(item, name)) if name is not None and isinstance(item, Scalar) else None
            )
        if found:
            _enter(entries, found[0], Entry(item.place, _with_mode(found[1])), report)
    return Map(entries, node.place)


def _named(item: Scalar, name: str) -> Map:
    return Map({"source": Entry(item.place, quoted(name, item))}, item.place)


def _enter(entries: dict[str, Entry], target: str, entry: Entry, report: Report) -> None:
    place = entry.node.place
    if not is_plain_path(target):
        report.add(
            "SPEC019",
            place,
            "a target in the container that is no plain path",
            expected="a path such as /data",
        )
    elif target in entries:
        first = entries[target].key_place.line
        report.add(
            "SPEC020", place, f"two entries for {shown(target)}", remedy=f"the first is at line {first}"
        )
    else:
        entries[target] = entry


def _check_targets(node: Map, report: Report) -> None:
    for target, (place, _) in node.entries.items():
        if not is_plain_path(target):
            report.add(
                "SPEC019",
                place,
                "a target in the container that is no plain path",
                expected="a path such as /data",
            )


def _short(item: Node, report: Report) -> tuple[str, Map] | None:
    text = read_text(item, report, _EXPECTED)
    if text is None or not isinstance(item, Scalar):
        return None
    parts = text.split(":")
    options = parts[2].split(",") if len(parts) == 3 else []
    if len(parts) == 1 and text.startswith("/"):
        remedy = (
            f"name a Volume: NAME:{text}, or write {{type: discard, target: {text}}}"
            if is_plain_path(text)
            else ""
        )
        report.add("SPEC018", item.place, "a volume without a name", expected=_EXPECTED, remedy=remedy)
        return None
    known = {"ro", "rw", *(_PROPAGATIONS if parts[0].startswith("/") else ("nocopy",))}
    if len(parts) not in (2, 3) or not set(options) <= known:
        remedy = f"after the second ':' may stand {', '.join(sorted(known))}" if len(parts) == 3 else ""
        report.add("SPEC018", item.place, "a volume that cannot be read", expected=_EXPECTED, remedy=remedy)
        return None
    source, target = parts[0], _trimmed(parts[1])
    if not check_source(source, item.place, report):
        return None
    entries = {
        "type": Entry(item.place, quoted("bind" if source.startswith("/") else "volume", item)),
        "source": Entry(item.place, quoted(source, item)),
    }
    if {"ro", "rw"} & set(options):
        entries["read_only"] = _flag(item, "ro" in options)
    return target, Map({**entries, **_short_options(item, options)}, item.place)


def _flag(item: Scalar, value: bool) -> Entry:
    return Entry(item.place, Scalar("true" if value else "false", item.place, True))


def _short_options(item: Scalar, options: list[str]) -> dict[str, Entry]:
    """What the long form says under ``volume`` and ``bind``."""
    found: dict[str, Entry] = {}
    if "nocopy" in options:
        found["volume"] = Entry(item.place, Map({"nocopy": _flag(item, True)}, item.place))
    for option in options:
        if option in _PROPAGATIONS:
            propagation = Entry(item.place, quoted(option, item))
            found["bind"] = Entry(item.place, Map({"propagation": propagation}, item.place))
    return found


def check_source(source: str, place: Place, report: Report) -> bool:
    """Whether a mount's source is a name or a plain absolute path; relative ones and ``~`` are refused."""
    if source.startswith("~"):
        report.add("SPEC016", place, "a source in somebody's home folder is refused", remedy=_CONFIG)
    elif source.startswith(".") or ("/" in source and not source.startswith("/")):
        report.add("SPEC016", place, "a relative source is refused: no checkout is mounted", remedy=_CONFIG)
    elif source.startswith("/") and source != "/" and not is_plain_path(source):
        report.add(
            "SPEC019", place, "a host path that is not in its plain form", expected="a path such as /srv/data"
        )
    else:
        return True
    return False


def _long(item: Map, report: Report, folder: str) -> tuple[str, Map] | None:
    """The long form; ``folder`` is empty for volumes, whose target is required."""
    target = item.get("target")
    source = item.get("source")
    if target is None and isinstance(source, Scalar) and folder:
        path = folder + source.text
    elif isinstance(target, Scalar):
        text = read_text(target, report)
        if text is None:
            return None
        path = text if text.startswith("/") or not folder else folder + text
    else:
        report.add("SPEC013", item.place, '"target" is missing', expected="the path in the container")
        return None
    rest = {key: entry for key, entry in item.entries.items() if key != "target"}
    if "tmpfs" in rest:
        rest["tmpfs"] = Entry(rest["tmpfs"].key_place, _with_mode(rest["tmpfs"].node))
    if not folder and not _check_long(item, report):
        return None
    return _trimmed(path), Map(rest, item.place)


def _check_long(item: Map, report: Report) -> bool:
    for name in ("consistency", "image"):
        if name in item.entries:
            seen = f"field {shown(name)} of a volume is not supported by this version"
            report.add("SPEC017", item.place_of(name), seen, remedy="remove it")
            return False
    source = item.get("source")
    return not isinstance(source, Scalar) or check_source(source.text, source.place, report)


def _with_mode(node: Node) -> Node:
    """Modes are octal by nature: plain digits are text here, and ``440`` is no mode."""
    mode = node.get("mode") if isinstance(node, Map) else None
    if isinstance(node, Map) and isinstance(mode, Scalar) and not is_null(mode):
        return node.with_entry("mode", quoted(mode.text, mode))
    return node


def _trimmed(path: str) -> str:
    return path.rstrip("/") if len(path) > 1 else path

"""The short and list forms that people write -> the normal form, places kept."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import Final

from specs import normal_words
from specs.mounts import SECRETS_FOLDER, normalise_files, normalise_volumes
from specs.node import Entry, Map, Node, Scalar, Sequence, is_null
from specs.ports import normalise_ports
from specs.problem import Report
from specs.scalar import quoted, read_text
from specs.suggest import shown

MAX_COMMAND: Final = 8_192
_NULL_VALUE: Final = (
    "write NAME=VALUE, or {secret: NAME}; a value is never taken from the environment of the tool"
)


def normalise(kind: str, spec: Map, report: Report) -> Map:
    """The normal form of one document's spec, or of a patch's."""
    fields = _FIELDS.get(kind, {})
    entries = {
        key: Entry(place, fields[key](node, report))
        if key in fields and not is_null(node)
        else Entry(place, node)
        for key, (place, node) in spec.entries.items()
    }
    return Map(entries, spec.place)


def _words(node: Node, report: Report) -> Node:
    """A command line -> its words, split as a shell would, without a shell."""
    if not isinstance(node, Scalar):
        return node
    text = read_text(node, report, "a command line or a list")
    if text is not None and len(text) > MAX_COMMAND:
        report.add(
            "SPEC001",
            node.place,
            f"a command line of more than {MAX_COMMAND} characters",
            remedy="write a list",
        )
        text = None
    try:
        words = shlex.split(text or "")
    except ValueError:
        report.add(
            "SPEC018", node.place, "a command line with an open quote", remedy="close it, or write a list"
        )
        words = []
    return Sequence(tuple(quoted(word, node) for word in words), node.place)


def _hooks(node: Node, report: Report) -> Node:
    """The command of each hook may be a command line, too."""
    if not isinstance(node, Map):
        return node
    hooks = {
        name: Entry(place, _hook(hook, report)) if isinstance(hook, Map) else Entry(place, hook)
        for name, (place, hook) in node.entries.items()
    }
    return Map(hooks, node.place)


def _hook(hook: Map, report: Report) -> Map:
    command = hook.get("command")
    if command is None or is_null(command):
        return hook
    return hook.with_entry("command", _words(command, report))


def _promotion(node: Node, report: Report) -> Node:
    """The command of each check may be a command line."""
    gates = node.get("gates") if isinstance(node, Map) else None
    checks = gates.get("checks") if isinstance(gates, Map) else None
    if not isinstance(node, Map) or not isinstance(gates, Map) or not isinstance(checks, Sequence):
        return node
    items = tuple(_hook(item, report) if isinstance(item, Map) else item for item in checks.items)
    return node.with_entry("gates", gates.with_entry("checks", Sequence(items, checks.place)))


def _pairs(node: Node, report: Report) -> Node:
    """``- NAME=VALUE`` lists -> a map."""
    if not isinstance(node, Sequence):
        return node
    entries: dict[str, Entry] = {}
    for item in node.items:
        text = read_text(item, report, "NAME=VALUE")
        if text is None or not isinstance(item, Scalar):
            continue
        name, equals, value = text.partition("=")
        if not equals:
            report.add("SPEC008", item.place, "a name without a value", remedy=_NULL_VALUE)
        elif name in entries:
            first = entries[name].key_place.line
            report.add("SPEC005", item.place, f"{shown(name)} stands twice", remedy=f"first at line {first}")
        else:
            entries[name] = Entry(item.place, quoted(value, item))
    return Map(entries, node.place)


def _names(node: Node, report: Report) -> Node:
    """A list of names -> a map of empty mappings."""
    if isinstance(node, Map):
        opened = {key: Entry(at, _opened(item)) for key, (at, item) in node.entries.items()}
        return Map(opened, node.place)
    if not isinstance(node, Sequence):
        return node
    entries: dict[str, Entry] = {}
    for item in node.items:
        name = read_text(item, report, "a name")
        if name is None:
            continue
        if name in entries:
            report.add("SPEC020", item.place, f"{shown(name)} stands twice", remedy="remove one")
        entries[name] = Entry(item.place, Map({}, item.place))
    return Map(entries, node.place)


def _opened(node: Node) -> Node:
    """``front:`` with nothing after it means no options, as in Compose; ``null`` deletes in a patch."""
    bare = isinstance(node, Scalar) and node.plain and node.text == ""
    return Map({}, node.place) if bare else node


def _healthcheck(node: Node, report: Report) -> Node:
    if not isinstance(node, Map):
        return node
    test = node.get("test")
    if isinstance(test, Scalar) and not is_null(test):
        text = read_text(test, report, "a command line or a list")
        words = (quoted("CMD-SHELL", test), quoted(text or "", test))
        return node.with_entry("test", Sequence(words, test.place))
    first = test.items[0] if isinstance(test, Sequence) and test.items else None
    if isinstance(first, Scalar) and first.text == "NONE":
        return Map({"disable": Entry(node.place_of("test"), Scalar("true", first.place, True))}, node.place)
    if isinstance(test, Sequence) and not (isinstance(first, Scalar) and first.text in ("CMD", "CMD-SHELL")):
        report.add(
            "SPEC015",
            test.place,
            "a test of another form",
            expected="a list that begins with CMD or CMD-SHELL",
        )
    return node


def _configs(node: Node, report: Report) -> Node:
    return normalise_files(node, "/", report)


def _secrets(node: Node, report: Report) -> Node:
    return normalise_files(node, SECRETS_FOLDER, report)


_FIELDS: Final[Mapping[str, Mapping[str, Callable[[Node, Report], Node]]]] = {
    "Service": {
        "command": _words,
        "entrypoint": _words,
        "environment": _pairs,
        "labels": _pairs,
        "ports": normalise_ports,
        "volumes": normalise_volumes,
        "networks": _names,
        "depends_on": _names,
        "configs": _configs,
        "secrets": _secrets,
        "healthcheck": _healthcheck,
        "hooks": _hooks,
        "annotations": _pairs,
        "sysctls": _pairs,
        "dns": normal_words.listed,
        "dns_search": normal_words.listed,
        "env_file": normal_words.listed_files,
        "label_file": normal_words.listed_files,
        "extra_hosts": normal_words.extra_hosts,
        "tmpfs": normal_words.tmpfs,
        "ulimits": normal_words.ulimits,
    },
    "Network": {"labels": _pairs},
    "Volume": {"labels": _pairs},
    "Environment": {"promotion": _promotion},
}

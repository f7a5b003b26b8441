"""Which paths a checkout would write with other bytes than the commit has (gitattributes(5)).

``git check-attr`` cannot read a commit's attributes before git 2.40, so the files are read here. What
changes bytes: ``filter`` (git-lfs), ``ident``, ``working-tree-encoding``, and ``eol`` other than ``lf``.
``text`` and ``eol=lf`` change nothing on the way out, and only ``text`` files on Windows would differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from specs.glob import PATH_END, translate

FILE_NAME = ".gitattributes"
_MACRO = "[attr]"
_MAX_MACRO_DEPTH = 8
_CHANGING = ("filter", "ident", "working-tree-encoding", "eol")
_HARMLESS_VALUES = {("eol", "lf")}
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"\s*')
_ODD_STARS = re.compile(r"(?<=[^/*])\*\*+|\*\*+(?=[^/*])")
"""``**`` within a name is a plain ``*`` here."""
_ESCAPE = re.compile(r"\\([0-3][0-7]{2}|.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    attributes: Mapping[str, bool]
    """Attribute -> whether it changes bytes."""


def special_paths(attribute_files: Mapping[str, bytes], paths: Iterable[str]) -> Sequence[str]:
    """The paths whose bytes change. ``attribute_files`` maps the path of each file to its content."""
    macros: dict[str, Mapping[str, bool]] = {}
    rules: list[_Rule] = []
    for path in sorted(attribute_files, key=lambda path: (path.count("/"), path)):
        folder = path[: -len(FILE_NAME)]
        for line in attribute_files[path].decode("utf-8", "surrogateescape").splitlines():
            rules += _rules(line, folder, macros)
    if not any(any(rule.attributes.values()) for rule in rules):
        return ()
    return [path for path in paths if _changes(path, rules)]


def _changes(path: str, rules: Sequence[_Rule]) -> bool:
    state: dict[str, bool] = {}
    for rule in rules:
        if rule.pattern.match(path):
            state.update(rule.attributes)
    return any(state.values())


def _rules(line: str, folder: str, macros: dict[str, Mapping[str, bool]]) -> Sequence[_Rule]:
    line = line.strip(" \t\r\n")
    if not line or line.startswith("#"):
        return ()
    quoted = _QUOTED.match(line)
    if quoted:
        pattern, rest = _ESCAPE.sub(_unescape, quoted[1]), line[quoted.end() :]
    else:
        pattern, _, rest = line.partition(" ") if "\t" not in line else _first_word(line)
    attributes = _attributes(rest.split(), macros)
    if pattern.startswith(_MACRO):
        if not folder:
            macros[pattern[len(_MACRO) :]] = attributes
        return ()
    if not attributes or pattern.startswith("!") or pattern.endswith("/"):
        return ()
    return (_Rule(_compile(pattern, folder), attributes),)


def _first_word(line: str) -> tuple[str, str, str]:
    word, *rest = line.split(maxsplit=1)
    return word, " ", rest[0] if rest else ""


def _attributes(words: Sequence[str], macros: Mapping[str, Mapping[str, bool]]) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for word in words:
        name, equals, value = word.lstrip("-!").partition("=")
        off = word.startswith(("-", "!"))
        if name in macros and not off and not equals:
            found.update(macros[name])
        elif name in _CHANGING:
            bare = name == "eol" and not equals  # eol takes effect only with a value
            found[name] = not off and not bare and (name, value) not in _HARMLESS_VALUES
    return found


def _unescape(match: re.Match[str]) -> str:
    text = match[1]
    return chr(int(text, 8)) if text[0].isdigit() else _ESCAPED.get(text, text)


def _compile(pattern: str, folder: str) -> re.Pattern[str]:
    """Without a slash the name in any folder below; with one a path from the attribute file's folder."""
    glob = _ODD_STARS.sub("*", pattern.removeprefix("/")).replace("[!", "[^")
    glob = glob if "/" in pattern else f"**/{glob}"
    try:
        return re.compile(re.escape(folder) + translate(glob, PATH_END))
    except (ValueError, IndexError, re.error):
        # What we cannot read may match anything: better a false alarm than other bytes.
        return re.compile(re.escape(folder))

"""Bytes of a Compose file -> a tree: YAML 1.2's scalars, anchors and merge keys written out, with caps.

``!reset`` and ``!override`` stay in the tree as marks for the merge of several files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import yaml

from reconciler.compose.tree import ComposeError, Tree

MAX_BYTES: Final = 1 << 20
_MAX_NODES: Final = 50_000
_MAX_DEPTH: Final = 64
_TAG: Final = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Override:
    """``!override``: the value replaces what other files say."""

    value: object


@dataclass(frozen=True, slots=True)
class Reset:
    """``!reset``: what other files say is taken away."""


class _Loader(yaml.SafeLoader):
    """YAML 1.2's reading of plain scalars: ``22:22`` and ``no`` are text, as Compose reads them."""


_Loader.yaml_implicit_resolvers = {}
for _name, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(?:[0-9][0-9_]{0,17}|0o[0-7]{1,17}|0x[0-9a-fA-F]{1,15})", list("-+0123456789")),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?", list("-+.0123456789")),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(rf"^(?:{_pattern})$"), _first)


def read_yaml(content: bytes, path: str) -> Tree:
    """The one document of a file. Raises ComposeError; no message quotes the file."""
    if len(content) > MAX_BYTES:
        raise ComposeError(f"{path} is larger than a megabyte")
    try:
        node = yaml.compose(content.decode("utf-8-sig"), _Loader)
        tree = _Writing(path).write(node, 0) if node is not None else {}
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        # The parser's own message quotes the file, and so perhaps a password.
        raise ComposeError(f"{path}{where}: not YAML that can be read") from None
    if not isinstance(tree, dict):
        raise ComposeError(f"{path}: not a mapping")
    return tree


class _Writing:
    """Writes a graph of nodes out as plain values; every alias counts as often as it is used."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.nodes = 0

    def write(self, node: yaml.Node, depth: int) -> object:
        self._count(depth)
        tag = node.tag
        if tag == "!reset":
            return Reset()
        if tag == "!override":
            return Override(self._plain(node, depth))
        if tag.startswith("!") or not tag.startswith(_TAG) or "python" in tag:
            raise ComposeError(f"{self._where(node)}: a tag that Compose does not know")
        return self._plain(node, depth)

    def _plain(self, node: yaml.Node, depth: int) -> object:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.write(item, depth + 1) for item in node.value]
        return _scalar(str(node.value), node.tag.removeprefix(_TAG))

    def _mapping(self, node: yaml.MappingNode, depth: int) -> Tree:
        merged: Tree = {}
        own: Tree = {}
        for key, value in node.value:
            if key.tag == _TAG + "merge":
                merged = {**self._merged(value, depth), **merged}
                continue
            if not isinstance(key, yaml.ScalarNode):
                raise ComposeError(f"{self._where(key)}: a key that is no text")
            if key.value in own:
                raise ComposeError(f"{self._where(key)}: a key that stands twice in one mapping")
            own[str(key.value)] = self.write(value, depth + 1)
        return {**merged, **own}

    def _merged(self, node: yaml.Node, depth: int) -> Tree:
        """What stands after ``<<``: a mapping, or several of which the first wins."""
        parts = node.value if isinstance(node, yaml.SequenceNode) else [node]
        found: Tree = {}
        for part in parts:
            value = self.write(part, depth + 1)
            if not isinstance(value, dict):
                raise ComposeError(f"{self._where(node)}: a merge of what is no mapping")
            found = {**value, **found}
        return found

    def _count(self, depth: int) -> None:
        self.nodes += 1
        if self.nodes > _MAX_NODES or depth > _MAX_DEPTH:
            raise ComposeError(f"{self.path}: too large or too deep once its aliases are written out")

    def _where(self, node: yaml.Node) -> str:
        return f"{self.path}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"


def _scalar(text: str, tag: str) -> object:
    if tag == "null":
        return None
    if tag == "bool":
        return text.lower() == "true"
    if tag == "int":
        return _integer(text)
    return float(text) if tag == "float" else text


def _integer(text: str) -> object:
    """A number as Compose's parser reads it: ``0440`` and ``0o440`` are octal."""
    sign, digits = (-1 if text.startswith("-") else 1), text.lstrip("+-").replace("_", "")
    if digits.startswith(("0x", "0o")):
        return sign * int(digits, 0)
    if len(digits) > 1 and digits.startswith("0"):
        return sign * int(digits, 8) if set(digits) <= set("01234567") else float(text)
    return sign * int(digits)

"""What ``env_file`` and ``label_file`` name, read into ``environment`` and ``labels``."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from specs.check_resource import leaves_repository
from specs.listed_file import read_lines
from specs.node import Entry, Map, Node, Scalar
from specs.problem import Report
from specs.suggest import shown
from specs.variables import substitute

ReadFile: TypeAlias = Callable[[str], bytes | None]
"""A path of the commit -> the bytes of the file there; None when there is none."""
_INTO: Final = {"env_file": "environment", "label_file": "labels"}


@dataclass(slots=True)
class ListedFiles:
    """Reads the files that services list. ``paths`` are those that were read."""

    read: ReadFile | None
    variables: Mapping[str, str]
    paths: set[str] = field(default_factory=set)

    def merge(self, spec: Map, report: Report) -> Map:
        """The same Service with what its files say; what the Service itself says wins, and of two files the
        later one. A path that leaves the repository, or is not there, is a problem at its own place."""
        for word, into in _INTO.items():
            listed = spec.get(word)
            if listed is None:
                continue
            named = substitute(Map({word: Entry(listed.place, listed)}, spec.place), self.variables, report)
            found: dict[str, Entry] = {}
            for item in getattr(named.get(word), "items", ()):
                found |= self._lines(item, report)
            own = spec.map_of(into)
            rest = {key: entry for key, entry in spec.entries.items() if key != word}
            merged = Map({**found, **own.entries}, own.place)
            spec = Map({**rest, into: Entry(spec.place_of(into), merged)}, spec.place)
        return spec

    def _lines(self, item: Node, report: Report) -> dict[str, Entry]:
        path = item.get("path") if isinstance(item, Map) else None
        if not isinstance(item, Map) or not isinstance(path, Scalar):
            return {}
        if leaves_repository(path.text):
            seen = "a file that leaves the repository"
            report.add("SPEC019", path.place, seen, expected="a path below its root")
            return {}
        plain = posixpath.normpath(path.text)
        if self.read is None:
            return {}
        content = self.read(plain)
        if content is None:
            required = item.get("required")
            if not (isinstance(required, Scalar) and required.text == "false"):
                remedy = "a file counts when git tracks it, and no link does; or write required: false"
                report.add("SPEC031", path.place, f"file {shown(plain)} is not there", remedy=remedy)
            return {}
        self.paths.add(plain)
        raw = item.get("format")
        return read_lines(plain, content, isinstance(raw, Scalar) and raw.text == "raw", report)

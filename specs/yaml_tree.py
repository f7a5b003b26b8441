"""Bytes -> trees of nodes: the front door. YAML's events are read one by one, so that every limit holds
before anything is built, and nothing of a parser's own message (it quotes the file) gets out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from specs.node import Entry, Map, Node, Scalar, Sequence
from specs.plain_text import FORBIDDEN, check_tabs, decode_text
from specs.problem import Place, Report
from specs.scalar import read_scalar
from specs.suggest import shown

MAX_FILE: Final = 1 << 20
MAX_TOTAL: Final = 8 << 20
"""Bytes of all files together."""
MAX_DEPTH: Final = 64
MAX_SCALAR: Final = 256 << 10
MAX_KEY: Final = 512
MAX_DIRECTIVES: Final = 20
"""Lines that begin with %: the reader of YAML compares each with all others."""
_LETTERS: Final = ("y", "n", "Y", "N")
"""As keys these are names: YAML 1.1 takes them for booleans, and no reader in use does."""
_LOADER: type = getattr(yaml, "CLoader", yaml.Loader)


@dataclass(slots=True)
class Budget:
    """What all files of one load may use together."""

    bytes: int = MAX_TOTAL
    nodes: int = 300_000
    documents: int = 5_000

    def spent(self, before: Budget) -> Budget:
        """How much less it is than ``before``."""
        return Budget(before.bytes - self.bytes, before.nodes - self.nodes, before.documents - self.documents)

    def take(self, cost: Budget) -> bool:
        """Take all of the cost, or nothing and say so."""
        rest = cost.spent(self)
        if min(rest.bytes, rest.nodes, rest.documents) < 0:
            return False
        self.bytes, self.nodes, self.documents = rest.bytes, rest.nodes, rest.documents
        return True


class Unreadable(Exception):
    """The file cannot be read any further; the problem is reported already."""


@dataclass(slots=True)
class _Frame:
    """A mapping or list that is still open."""

    place: Place
    is_map: bool
    entries: dict[str, Entry] = field(default_factory=dict)
    items: list[Node] = field(default_factory=list)
    key: Scalar | None = None


@dataclass(slots=True)
class _Composer:
    """Builds documents from events, iteratively."""

    file: str
    budget: Budget
    report: Report
    documents: list[Node] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)
    """Where quoted and block scalars lie, in characters."""
    open: list[_Frame] = field(default_factory=list)

    def feed(self, event: yaml.Event) -> None:
        """Take the next event."""
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._start(event)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            frame = self.open.pop()
            self._put(
                Map(frame.entries, frame.place) if frame.is_map else Sequence(tuple(frame.items), frame.place)
            )
        elif isinstance(event, yaml.AliasEvent):
            self._refuse(event, "an alias", 'write the value out ("reconciler init" does so)')
            self._put(Scalar("", self._place(event)))
        elif isinstance(event, yaml.DocumentStartEvent):
            self._document(event)

    def _place(self, event: yaml.Event) -> Place:
        return _place(self.file, event.start_mark)

    def _refuse(self, event: yaml.Event, seen: str, remedy: str) -> None:
        self.report.add("SPEC004", self._place(event), seen, expected="plain YAML", remedy=remedy)

    def _stop(self, code: str, event: yaml.Event, seen: str, remedy: str = "") -> None:
        self.report.add(code, self._place(event), seen, remedy=remedy)
        raise Unreadable

    def _document(self, event: yaml.DocumentStartEvent) -> None:
        if event.version or event.tags:
            self._refuse(event, "a directive", "remove the line that begins with %")
        if self.documents and not event.explicit:
            self._stop("SPEC003", event, "text after the end of a document", 'begin a document with "---"')
        self.budget.documents -= 1
        if self.budget.documents < 0:
            self._stop("SPEC001", event, "too many documents")

    def _decorated(self, event: yaml.NodeEvent) -> None:
        if event.anchor is not None:
            self._refuse(event, "an anchor", 'write values out ("reconciler init" does so)')
        if getattr(event, "tag", None) is not None:
            self._refuse(event, "a tag", "remove the word that begins with !")
        self.budget.nodes -= 1
        if self.budget.nodes < 0:
            self._stop("SPEC001", event, "too many values in all files together")

    def _start(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        self._decorated(event)
        if len(self.open) >= MAX_DEPTH:
            self._stop("SPEC001", event, f"nested deeper than {MAX_DEPTH} levels")
        if self.open and self.open[-1].is_map and self.open[-1].key is None:
            self._stop("SPEC006", event, "a mapping or list as a key", "keys are text")
        self.open.append(_Frame(self._place(event), isinstance(event, yaml.MappingStartEvent)))

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        self._decorated(event)
        plain = not event.style
        if not plain and event.start_mark and event.end_mark:
            self.spans.append((event.start_mark.index, event.end_mark.index))
        if len(event.value) > MAX_SCALAR:
            self._stop("SPEC001", event, f"a value of more than {MAX_SCALAR >> 10} KiB")
        if event.style == '"' and FORBIDDEN.search(event.value):
            self.report.add("SPEC002", self._place(event), "a control character in a value", expected="text")
        self._put(Scalar(event.value, self._place(event), plain))

    def _put(self, node: Node) -> None:
        if not self.open:
            self.documents.append(node)
            return
        frame = self.open[-1]
        if not frame.is_map:
            frame.items.append(node)
        elif frame.key is None:
            frame.key = node if isinstance(node, Scalar) else Scalar("", node.place)
        else:
            self._put_entry(frame, frame.key, node)
            frame.key = None

    def _put_entry(self, frame: _Frame, key: Scalar, node: Node) -> None:
        name = key.text
        if key.plain and name == "<<":
            self.report.add(
                "SPEC004", key.place, "a merge key", expected="plain YAML", remedy="write the fields out"
            )
        elif len(name) > MAX_KEY or not (isinstance(read_scalar(key), str) or name in _LETTERS):
            self.report.add("SPEC006", key.place, "a key that is not text", remedy="quote it")
        elif name in frame.entries:
            first = frame.entries[name].key_place
            seen = f"key {shown(name)} stands twice"
            self.report.add(
                "SPEC005", key.place, seen, remedy=f"first at line {first.line}, column {first.column}"
            )
        else:
            frame.entries[name] = Entry(key.place, node)


def read_documents(file: str, content: bytes, budget: Budget, report: Report) -> list[Node]:
    """The documents of one file; problems go to ``report``. Empty documents are left out.

    A file that cannot be read to its end gives no documents, and at least one problem.
    """
    try:
        text = _read_text(file, content, budget, report)
        composer = _Composer(file, budget, report)
        for event in _events(file, text, report):
            composer.feed(event)
    except Unreadable:
        return []
    check_tabs(file, text, composer.spans, report)
    return [
        node for node in composer.documents if not (isinstance(node, Scalar) and node.plain and not node.text)
    ]


def _read_text(file: str, content: bytes, budget: Budget, report: Report) -> str:
    budget.bytes -= len(content)
    if len(content) > MAX_FILE or budget.bytes < 0:
        refuse_size(file, len(content), report)
        raise Unreadable
    text = decode_text(file, content, report)
    if text is None:
        raise Unreadable
    if text.count("\n%") > MAX_DIRECTIVES:
        remedy = "remove the lines that begin with %"
        report.add("SPEC004", Place(file), "many directives", expected="plain YAML", remedy=remedy)
        raise Unreadable
    return text


def refuse_size(file: str, size: int, report: Report) -> None:
    """Say that a file of so many bytes is too large, alone or with all others."""
    alone = size > MAX_FILE
    seen = f"a file of more than {MAX_FILE >> 10} KiB" if alone else "too much text in all files together"
    report.add("SPEC001", Place(file), seen)


def _place(file: str, mark: Any) -> Place:
    """PyYAML has two kinds of marks, without a common type."""
    return Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)


def _events(file: str, text: str, report: Report) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        _report_syntax(_place(file, error.problem_mark or error.context_mark), text, report)
    except yaml.YAMLError:
        _report_syntax(Place(file), text, report)
    except RecursionError:
        report.add("SPEC001", Place(file), "nested too deeply")
        raise Unreadable from None


def _report_syntax(place: Place, text: str, report: Report) -> None:
    lines = text.split("\n")
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        report.add("SPEC002", place, "a tab at the beginning of a line", expected="spaces")
    else:
        report.add(
            "SPEC003",
            place,
            "the text is not YAML from here on",
            remedy="check indentation, quotes, brackets",
        )
    raise Unreadable from None

"""Bytes -> SpecSet, with every problem of all files (contracts, section 1: Loading)."""

from __future__ import annotations

import posixpath
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from specs.check import check_documents
from specs.document import API_VERSION
from specs.envelope import is_ours, read_document
from specs.known_files import KnownFile, KnownFiles
from specs.node import Map, Node, Scalar
from specs.problem import Place, Problem, Report, in_order
from specs.spec_set import Key, SpecSet, Written
from specs.yaml_tree import MAX_FILE, MAX_TOTAL, Budget, read_documents, refuse_size

MAX_FILES: Final = 5_000
_KIND_OF_LINK: Final = {0o120000: "a symbolic link", 0o160000: "a submodule"}


@dataclass(frozen=True, slots=True)
class SpecFile:
    """One file under the spec path; ``mode`` is git's. A link's content is never looked at, and a file
    that is too large need not have any: ``size`` is what it would be."""

    path: str
    content: bytes = field(repr=False)
    mode: int = 0o100644
    size: int | None = None


@dataclass(frozen=True, slots=True)
class _Read:
    """One file that was read: its documents, and its problems so far."""

    file: SpecFile
    nodes: Sequence[Node]
    problems: list[Problem]
    cost: Budget = field(default_factory=lambda: Budget(0, 0, 0))
    known: KnownFile | None = None
    """What it gave when it was read before; then there are no nodes."""


def files_to_read(sizes: Mapping[str, int]) -> list[str]:
    """Which spec files are worth reading, by their sizes in bytes: the others are refused unread."""
    chosen, total = [], 0
    for path in sorted(sizes)[:MAX_FILES]:
        if sizes[path] <= MAX_FILE and total + sizes[path] <= MAX_TOTAL:
            chosen.append(path)
            total += sizes[path]
    return chosen


def is_spec_path(file_path: str, path: str) -> bool:
    """Whether a file of the tree is read as a spec: YAML under the spec path."""
    prefix = "" if posixpath.normpath(path) == "." else posixpath.normpath(path) + "/"
    return file_path.startswith(prefix) and file_path.endswith((".yaml", ".yml"))


def load(
    files: Iterable[SpecFile], *, path: str = "specs", known: KnownFiles | None = None
) -> tuple[SpecSet, list[Problem]]:
    """Read and check all YAML files under ``path``. Never raises; problems are sorted by place.

    ``known`` is what earlier loads of this path left: it changes how long this takes, never what it gives.
    With an error among the problems the set is what could be read, fit for messages and nothing else.
    """
    ordered = sorted((file for file in files if is_spec_path(file.path, path)), key=lambda file: file.path)
    report, known = Report(), known or KnownFiles()
    _check_names(ordered, report)
    reads = _read_all(ordered[:MAX_FILES], known)
    referenced = frozenset(_referenced_files(reads))
    documents: dict[Key, Written] = {}
    for read in reads:
        is_spec = read.known is not None or any(is_ours(node) for node in read.nodes)
        if is_spec or not _is_below(read.file.path, referenced):
            report.problems.extend(read.problems)
            _enter(read, documents, report, known)
    known.end_load()
    if not documents and not report.problems:
        remedy = 'run "reconciler init" to write the first ones'
        report.add(
            "SPEC032",
            Place(path),
            "there is no document",
            expected=f"apiVersion: {API_VERSION}",
            remedy=remedy,
        )
    spec_set = SpecSet(path, documents)
    check_documents(spec_set, report)
    return spec_set, in_order(report.problems)


def nested_paths(paths: Sequence[str]) -> list[Problem]:
    """Spec paths of one repository that lie inside one another (contracts, section 1)."""
    report = Report()
    plain = sorted({posixpath.normpath(path) for path in paths})
    for inner in plain:
        outer = [path for path in plain if path != inner and (path == "." or inner.startswith(path + "/"))]
        if outer:
            report.add(
                "SPEC036",
                Place(inner),
                f"lies inside the spec path {outer[0]}",
                remedy="separate the folders",
            )
    return report.problems


def _check_names(files: Sequence[SpecFile], report: Report) -> None:
    if len(files) > MAX_FILES:
        report.add("SPEC001", Place(files[MAX_FILES].path), f"more than {MAX_FILES} spec files")
    seen: dict[str, str] = {}
    for file in files:
        folded = unicodedata.normalize("NFC", file.path).casefold()
        if first := seen.get(folded):
            report.add(
                "SPEC021", Place(file.path), f"its name collides with {first}", remedy="rename one of them"
            )
        seen[folded] = file.path


def _read_all(files: Sequence[SpecFile], known: KnownFiles) -> list[_Read]:
    budget = Budget()
    return [_read(file, budget, known) for file in files]


def _read(file: SpecFile, budget: Budget, known: KnownFiles) -> _Read:
    own = Report()
    if what := _KIND_OF_LINK.get(file.mode):
        own.add("SPEC009", Place(file.path), what, expected="a file", remedy="put the file itself there")
    elif file.size is not None and file.size != len(file.content):
        refuse_size(file.path, file.size, own)
    elif found := known.find(file.path, file.content, budget):
        return _Read(file, (), [], known=found)
    else:
        before = replace(budget)
        nodes = read_documents(file.path, file.content, budget, own)
        return _Read(file, nodes, own.problems, budget.spent(before))
    return _Read(file, (), own.problems)


def _referenced_files(reads: Sequence[_Read]) -> list[str]:
    """The files and folders that Configs name, with and without patches: YAML in them is content."""
    found: list[str] = []
    for read in reads:
        found += read.known.references if read.known else _references(read.nodes)
    return found


def _references(nodes: Sequence[Node]) -> list[str]:
    found = []
    for node in nodes:
        spec = node.map_of("spec") if isinstance(node, Map) else None
        patches = [*getattr(spec.get("patches"), "items", ())] if spec else []
        specs = [patch.map_of("spec") for patch in patches if isinstance(patch, Map)]
        for candidate in ([spec] if spec else []) + specs:
            if isinstance(file := candidate.get("file"), Scalar):
                found.append(posixpath.normpath(file.text))
    return found


def _is_below(file_path: str, references: Collection[str]) -> bool:
    parts = file_path.split("/")
    return any("/".join(parts[: length + 1]) in references for length in range(len(parts)))


def _enter(read: _Read, documents: dict[Key, Written], report: Report, known: KnownFiles) -> None:
    for written in read.known.documents if read.known else _documents(read, report, known):
        first = documents.setdefault((written.kind, written.name), written)
        if first is not written:
            seen = f"{written.subject} stands twice"
            where = f"first at {first.place.file}:{first.place.line}"
            report.about(written.subject).add("SPEC020", written.place, seen, remedy=where)


def _documents(read: _Read, report: Report, known: KnownFiles) -> list[Written]:
    """The documents of a file that was read; one without a problem is known from now on."""
    before, templated = len(report.problems), b"$" in read.file.content
    found = [read_document(node, templated, report) for node in read.nodes]
    documents = [written for written in found if written is not None]
    if documents and not read.problems and len(report.problems) == before and not report.is_full:
        file = KnownFile(tuple(documents), tuple(_references(read.nodes)), read.cost)
        known.keep(read.file.path, read.file.content, file)
    return documents

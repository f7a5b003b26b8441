"""One document's envelope: apiVersion, kind, metadata, spec."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from specs.document import API_VERSION, KINDS
from specs.environment import Environment
from specs.image import Image
from specs.lock import Lock
from specs.model import Model
from specs.node import Map, Node, Scalar, holds, is_null
from specs.normal import normalise
from specs.problem import Place, Report
from specs.registry import Registry
from specs.release import Release
from specs.resource import Config, Network, Secret, Volume
from specs.scalar import read_text
from specs.service import Service
from specs.spec_set import Written
from specs.suggest import did_you_mean, shown
from specs.validate import read_model, salvage
from specs.words import RESERVED_KINDS

MODELS: Final[Mapping[str, type[Model]]] = {
    "Registry": Registry,
    "Image": Image,
    "Service": Service,
    "Environment": Environment,
    "Network": Network,
    "Volume": Volume,
    "Config": Config,
    "Secret": Secret,
    "Lock": Lock,
    "Release": Release,
}
TEMPLATED: Final = ("Service", "Network", "Volume", "Config")
"""Kinds that take variables."""
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_FIELDS: Final = ("apiVersion", "kind", "metadata", "spec")


def is_ours(node: Node) -> bool:
    """Whether a document claims to be one of ours."""
    version = node.get("apiVersion") if isinstance(node, Map) else None
    return isinstance(version, Scalar) and version.text.startswith("reconciler/")


def read_document(node: Node, templated: bool, report: Report) -> Written | None:
    """Read the envelope and the spec; None when the document cannot even be named."""
    if not isinstance(node, Map) or not is_ours(node):
        remedy = "write it, move the file away, or name the file in a Config"
        report.add("SPEC010", node.place, f"a document without apiVersion: {API_VERSION}", remedy=remedy)
        return None
    kind, name = _kind(node, report), _name(node, report)
    if kind is None or name is None:
        return None
    own = report.about(f"{kind} {name}")
    for key, (place, _) in node.entries.items():
        if key not in _FIELDS:
            own.add("SPEC012", place, f"unknown field {shown(key)}", remedy=did_you_mean(key, _FIELDS))
    spec = node.get("spec")
    if not isinstance(spec, Map):
        empty = spec is None or is_null(spec)
        place = node.place_of("spec")
        code = "SPEC013" if empty else "SPEC014"
        own.add(code, place, '"spec" is missing' if empty else '"spec" is no mapping', expected="spec: {...}")
        return None
    place = node.map_of("metadata").place_of("name")
    return _read_spec(kind, name, place, spec, templated and kind in TEMPLATED, own)


def _read_spec(kind: str, name: str, place: Place, spec: Map, templated: bool, report: Report) -> Written:
    before = len(report.problems)
    normal = normalise(kind, spec, report)
    templated = templated and holds(normal, "$")
    model = read_model(MODELS[kind], normal, report, defer=templated)
    broken = len(report.problems) > before
    salvaged = salvage(MODELS[kind], normal) if broken else None
    return Written(kind, name, place, normal, None if broken or templated else model, salvaged, templated)


def _kind(node: Map, report: Report) -> str | None:
    version = node.get("apiVersion")
    if isinstance(version, Scalar) and version.text != API_VERSION:
        report.add("SPEC011", version.place, "an unknown apiVersion", expected=API_VERSION)
        return None
    kind = node.get("kind")
    if not isinstance(kind, Scalar):
        report.add(
            "SPEC010", node.place_of("kind"), '"kind" is missing', expected=f"one of {', '.join(KINDS)}"
        )
    elif kind.text in RESERVED_KINDS:
        report.add(
            "SPEC017", kind.place, f"kind {kind.text} is not supported by this version", remedy="remove it"
        )
    elif kind.text not in KINDS:
        hint = did_you_mean(kind.text, KINDS)
        report.add(
            "SPEC011",
            kind.place,
            f"unknown kind {shown(kind.text)}",
            expected=f"one of {', '.join(KINDS)}",
            remedy=hint,
        )
    else:
        return kind.text
    return None


def _name(node: Map, report: Report) -> str | None:
    metadata = node.map_of("metadata")
    name = metadata.get("name")
    expected = "a lower-case DNS label: letters, digits and '-', at most 63"
    for key, (place, _) in metadata.entries.items():
        if key != "name":
            report.add(
                "SPEC012",
                place,
                f"unknown field {shown(key)} of metadata",
                remedy=did_you_mean(key, ["name"]),
            )
    if not isinstance(name, Scalar) or is_null(name):
        report.add("SPEC010", node.place_of("metadata"), '"metadata.name" is missing', expected=expected)
    elif (text := read_text(name, report, expected)) is not None:
        if _NAME.fullmatch(text):
            return text
        report.add("SPEC015", name.place, "metadata.name is not allowed", expected=expected)
    return None

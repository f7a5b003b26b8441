"""A node tree in normal form -> a model, every error at the place of the value that it is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from specs.model import Model
from specs.node import Map, Node, Scalar, Sequence, is_null, nearest_place
from specs.problem import Place, Report
from specs.scalar import Odd, read_scalar, seen_as
from specs.suggest import did_you_mean, nearest, shown
from specs.words import COMPOSE_REFUSED, EXTENSION, LIST_FORMS, NOT_YET, PATTERNS, RESERVED_VALUES

M = TypeVar("M", bound=Model)
_MAX_SALVAGED = 50
"""With more wrong values than this, the rest of a document is not looked at."""
Path: TypeAlias = "tuple[int | str, ...]"

_TYPES = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "tuple_type": "a list",
}
_LIMITS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
    "too_short": ("at least", "min_length"),
    "too_long": ("at most", "max_length"),
}


def value_of(node: Node) -> object:
    """The node as plain Python values; scalars without a clear value become ``Odd`` and fit nowhere."""
    if isinstance(node, Scalar):
        return read_scalar(node)
    if isinstance(node, Sequence):
        return tuple(value_of(item) for item in node.items)
    return {key: value_of(entry.node) for key, entry in node.entries.items()}


def read_model(model: type[M], node: Node, report: Report, *, defer: bool = False) -> M | None:
    """Validate; None when anything is wrong. With ``defer``, values that hold a ``$`` may become right
    when variables are put in: they make no problem, only no model."""
    try:
        return model.model_validate(value_of(node), strict=True)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    for path, group in _by_path(node, details).items():
        if report.is_full:
            break
        culprit = nearest_place(node, path)[1]
        if not (defer and isinstance(culprit, Scalar) and "$" in culprit.text):
            _report(group, path, node, model, report)
    return None


def salvage(model: type[M], node: Map) -> M | None:
    """The model of what is right in a document that is not: the names in it can still be checked."""
    try:
        return model.model_validate(value_of(node), strict=True)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
    paths = _by_path(node, details)
    if len(paths) > _MAX_SALVAGED:
        return None
    for path in paths:
        node = _without(node, path)
    try:
        return model.model_validate(value_of(node), strict=True)
    except ValidationError:
        return None


def _without(node: Map, path: Path) -> Map:
    """The mapping without the value at a path; of a list, nothing is left."""
    if not path or not isinstance(path[0], str) or path[0] not in node.entries:
        return node
    key, child = path[0], node.entries[path[0]].node
    if isinstance(child, Map) and len(path) > 1 and path[1] in child.entries:
        return node.with_entry(key, _without(child, path[1:]))
    return Map({name: entry for name, entry in node.entries.items() if name != key}, node.place)


def _by_path(node: Node, details: Iterable[ErrorDetails]) -> Mapping[Path, list[ErrorDetails]]:
    """Errors by the path in the tree that they are about: members of a union report one each. Where a key
    is wrong, what its value is does not matter."""
    groups: dict[Path, list[ErrorDetails]] = {}
    for detail in details:
        groups.setdefault(_path_of(node, detail), []).append(detail)
    parents = {path[:length] for path in groups for length in range(len(path))}
    found: dict[Path, list[ErrorDetails]] = {}
    for path, group in groups.items():
        keys = [detail for detail in group if detail["loc"][-1:] == ("[key]",)]
        if not (path in parents and _is_simple(group)):
            found[path] = keys or group
    return found


def _path_of(node: Node, detail: ErrorDetails) -> Path:
    """The steps of an error's location that are in the tree; the names of union members are not."""
    path: Path = ()
    reached = node
    for step in detail["loc"]:
        if isinstance(reached, Map) and isinstance(step, str) and step in reached.entries:
            reached = reached.entries[step].node
        elif isinstance(reached, Sequence) and isinstance(step, int):
            reached = reached.items[step]
        else:
            continue
        path = (*path, step)
    return (*path, detail["loc"][-1]) if detail["type"] == "missing" else path


def _is_simple(group: Iterable[ErrorDetails]) -> bool:
    """Whether the errors are those of a union's simple members; where there are errors below the same path,
    another member fits the shape, and its errors are the ones to tell."""
    return all(detail["type"] in ("string_type", "literal_error", "bool_type") for detail in group)


def _report(group: list[ErrorDetails], path: Path, node: Node, model: type[Model], report: Report) -> None:
    first = group[0]
    key_place, culprit = nearest_place(node, path)
    where = (model.__name__, _dotted(path))
    about = f"field {shown(where[1])}: " if path else ""
    expected = (LIST_FORMS.get(where) if first["type"] != "value_error" else None) or _expected(group)
    if first["type"] == "extra_forbidden":
        _report_unknown(path, key_place, model, report)
    elif first["type"] == "missing":
        report.add("SPEC013", key_place, f"{shown(str(path[-1]))} is missing")
    elif first["loc"][-1:] == ("[key]",):
        report.add("SPEC015", key_place, f"{about}the key is not allowed", expected=expected)
    elif is_null(culprit):
        remedy = "write a value, or remove the line; null is for patches only"
        report.add("SPEC008", key_place, f"{about}null", expected=expected, remedy=remedy)
    elif isinstance(culprit, Scalar) and culprit.text in RESERVED_VALUES.get(where, ()):
        seen = f"{about}{shown(culprit.text)} is not supported by this version"
        report.add("SPEC017", culprit.place, seen, expected=expected)
    elif isinstance(culprit, Scalar) and culprit.plain and not isinstance(read_scalar(culprit), str):
        _report_scalar(culprit, expected, about, report)
    elif first["type"] in _TYPES:
        report.add("SPEC014", culprit.place, f"{about}{seen_as(culprit)}", expected=expected)
    else:
        is_whole = not path or (isinstance(culprit, Map) and first["type"] == "value_error")
        what = "fields that do not fit together" if is_whole else "a value that is not allowed"
        report.add("SPEC015", culprit.place, f"{about}{what}", expected=expected)


def _report_scalar(scalar: Scalar, expected: str, about: str, report: Report) -> None:
    """A plain scalar that is no text: a number, a boolean, or what readers of YAML disagree about."""
    value = read_scalar(scalar)
    code = "SPEC007" if value is Odd.UNCLEAR or expected.startswith("text") else "SPEC014"
    if expected == "true or false":
        remedy = "write true or false"
    elif "number" in expected or expected.startswith(("at ", "more ", "less ", "a mapping", "a list")):
        is_digits = value is Odd.UNCLEAR and ' or "' not in expected  # ``off`` may stand for ``none``
        remedy = "write it in plain decimal digits" if is_digits else ""
    else:
        remedy = "quote it" if value is Odd.UNCLEAR or expected.startswith("text") else ""
    report.add(code, scalar.place, f"{about}{seen_as(scalar)}", expected=expected, remedy=remedy)


def _report_unknown(path: Path, place: Place, model: type[Model], report: Report) -> None:
    name = str(path[-1])
    words = (model.__name__, ".".join(str(step) for step in path))
    in_map = (model.__name__, ".".join((str(path[0]), "*", *(str(step) for step in path[2:]))))
    refused = EXTENSION if name.startswith("x-") else COMPOSE_REFUSED.get(words)
    not_yet = NOT_YET.get(words, NOT_YET.get(in_map))
    if refused:
        report.add("SPEC016", place, f"field {shown(name)} is refused", remedy=refused)
    elif not_yet is not None:
        report.add("SPEC017", place, f"field {shown(name)} is not supported by this version", remedy=not_yet)
    else:
        models = _models_at(model, path[:-1])
        fields = [name for candidate in models for name in candidate.model_fields]
        hint = did_you_mean(name, fields) or _did_you_mean_below(name, models)
        report.add("SPEC012", place, f"unknown field {shown(name)}", remedy=hint)


def _did_you_mean_below(name: str, models: Iterable[Any]) -> str:
    """A field of the same name, nearly, one level down: ``deploy.replicas``."""
    below = {
        inner: f"{outer}.{inner}"
        for candidate in models
        for outer, field in candidate.model_fields.items()
        for nested in _models_in(field.annotation)
        for inner in nested.model_fields
    }
    found = nearest(name, below)
    return f'did you mean "{below[found]}"?' if found else ""


def _models_at(model: type[Model], path: Path) -> list[Any]:
    """The models that may stand at a path: all that the annotation names."""
    models: list[Any] = [model]
    for step in path:
        found: list[Any] = []
        for candidate in models:
            field = candidate.model_fields.get(step) if isinstance(step, str) else None
            found += _models_in(field.annotation) if field else []
        models = found or models
    return models


def _models_in(annotation: Any) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models_in(part)]


def _dotted(path: Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def _expected(group: list[ErrorDetails]) -> str:
    texts = [_expected_one(detail) for detail in group]
    return " or ".join(dict.fromkeys(text for text in texts if text))


def _expected_one(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    is_secret = detail["loc"][-1:] == ("SecretRef",) or context.get("class_name") == "SecretRef"
    if is_secret and kind in ("model_type", "missing", "extra_forbidden"):
        return "{secret: NAME}"
    if kind in _TYPES:
        return _TYPES[kind]
    if kind in _LIMITS:
        words, key = _LIMITS[kind]
        return f"{words} {context[key]}"
    if kind == "string_pattern_mismatch":
        return PATTERNS.get(str(context["pattern"]), f"text that matches {context['pattern']}")
    if kind == "string_too_long":
        return f"at most {context['max_length']} characters"
    if kind == "string_too_short":
        return "text that is not empty"
    if kind == "literal_error":
        return str(context["expected"]).replace("'", '"')
    if kind == "value_error":
        return str(context["error"]).removeprefix("expected ")
    return ""

"""What every part of the reading shares: the tree of a Compose file, its scalars as text, its refusal."""

from __future__ import annotations

import math
from typing import Final

from reconciler.desired import Json

Tree = dict[str, object]
JsonObject = dict[str, Json]
RESOURCES: Final = ("volumes", "networks", "configs", "secrets")


class ComposeError(ValueError):
    """The files cannot be converted; the message says where and why, without a value from them."""


def mapping(value: object) -> Tree:
    """The value as a mapping with text keys; empty for anything else."""
    return {str(key): part for key, part in value.items()} if isinstance(value, dict) else {}


def listed(value: object) -> list[object]:
    """The value as a list; a single value is a list of one, nothing is empty."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def text_of(value: object) -> str:
    """A scalar as the text that Compose makes of it: ``true``, ``288`` for ``0440``, ``1.1`` for ``1.10``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    return "" if value is None else str(value)


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    if value == 0 or 1e-4 <= abs(value) < 1e21:
        text = f"{value:.17g}" if "e" in repr(value) else repr(value)
        return text.removesuffix(".0")
    return repr(value)


def as_json(value: object) -> Json:
    """A value read from YAML as JSON; what JSON does not know becomes text."""
    if isinstance(value, dict):
        return {str(key): as_json(part) for key, part in value.items()}
    if isinstance(value, list):
        return [as_json(part) for part in value]
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)


def as_bool(value: object) -> bool:
    """A boolean, or the text of one: what interpolation leaves."""
    return value is True or (isinstance(value, str) and value.strip().lower() in ("true", "1", "yes", "on"))

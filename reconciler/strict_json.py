"""JSON that anybody with the engine could have written: values of markers, texts in labels."""

from __future__ import annotations

import json
from math import isfinite
from typing import Final

from reconciler.desired import Json

MAX_VALUE: Final = 4 << 20
"""Characters of one value."""
_MAX_DIGITS: Final = 18


def read_object(text: str, limit: int = MAX_VALUE) -> dict[str, Json]:
    """The mapping that the text is; its numbers are finite and its texts can be printed.

    Raises ValueError on anything else, however large or deep it is.
    """
    if len(text) > limit:
        raise ValueError("the value is too long")
    try:
        value = json.loads(text, parse_float=_finite, parse_int=_whole, parse_constant=_refuse)
        if "\\ud" in text.lower():
            json.dumps(value, ensure_ascii=False).encode()  # half a pair of surrogates cannot be printed
    except RecursionError:
        raise ValueError("the value is nested too deeply") from None
    if not isinstance(value, dict):
        raise ValueError("the value is no mapping")
    return value


def read_number(value: Json) -> float:
    """A finite number, written as one or as text. Raises ValueError."""
    if not isinstance(value, (int, float, str)):
        raise ValueError("a number is expected")
    return _finite(str(value))


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):
        raise ValueError("the number is not finite")
    return number


def _whole(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ValueError("the number is too long")
    return int(text)


def _refuse(name: str) -> float:
    raise ValueError(name)

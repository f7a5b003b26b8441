"""What a plain scalar means. Where YAML 1.1, YAML 1.2 and editors disagree, it means nothing: quote it."""

from __future__ import annotations

import re
from enum import Enum

from specs.node import Map, Node, Scalar, is_null
from specs.problem import Report

_INT = re.compile(r"0|-?[1-9][0-9]{0,15}")
_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]{0,15})\.[0-9]{1,16}")
_LARGEST = 2**53
_UNCLEAR = re.compile(
    r"""~|(?i:null|yes|no|on|off|y|n|true|false)
    |[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?        # base 60
    |[-+]?0[xob][0-9a-fA-F_]+
    |[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?
    |[-+]?\.(?i:inf|nan)
    |[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?
    |=|<<""",
    re.VERBOSE | re.DOTALL,
)


class Odd(Enum):
    """A plain scalar without a value: null, or one that readers of YAML disagree about."""

    NULL = "null"
    UNCLEAR = "unclear"


Value = str | int | float | bool | Odd


def read_scalar(scalar: Scalar) -> Value:
    """The value of a scalar: quoted ones are text, plain ones text, a canonical number, true or false."""
    text = scalar.text
    if not scalar.plain:
        return text
    if is_null(scalar):
        return Odd.NULL
    if text in ("true", "false"):
        return text == "true"
    if not _UNCLEAR.fullmatch(text):
        return text
    if _INT.fullmatch(text) and abs(int(text)) <= _LARGEST:
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else Odd.UNCLEAR


def read_text(node: Node, report: Report, expected: str = "text") -> str | None:
    """The text of a scalar where text is expected: canonical integers count. None, with the problem
    reported, for anything else."""
    value = read_scalar(node) if isinstance(node, Scalar) else None
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    report_not_text(node, report, expected)
    return None


def report_not_text(node: Node, report: Report, expected: str = "text") -> None:
    """Say why a node is not text, with the remedy: quotes."""
    if is_null(node):
        report.add("SPEC008", node.place, "null", expected=expected, remedy="null is for patches only")
    elif isinstance(node, Scalar):
        report.add("SPEC007", node.place, seen_as(node), expected=expected, remedy="quote it")
    else:
        report.add("SPEC014", node.place, seen_as(node), expected=expected)


def seen_as(node: Node) -> str:
    """What a node is, in words, without its value."""
    if isinstance(node, Scalar):
        match read_scalar(node):
            case bool():
                return "true or false"
            case int() | float():
                return "a number"
            case Odd.NULL:
                return "null"
            case Odd.UNCLEAR:
                return "an unquoted value that readers of YAML disagree about"
            case _:
                return "text"
    return "a mapping" if isinstance(node, Map) else "a list"


def quoted(text: str, like: Scalar) -> Scalar:
    """Text at the place of a scalar that it was read from."""
    return Scalar(text, like.place, False, like.variables)

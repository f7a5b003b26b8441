"""The parent of every spec model and the scalar types that they share, in their normal form."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)


class Model(BaseModel):
    """A frozen spec model that refuses unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)


_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:us|ms|s|m|h))+")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|h)")
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_SIZE = re.compile(r"(\d+)([bkmgt]?)b?", re.IGNORECASE)
_BYTES = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_MAX_SECONDS = 366 * 24 * 3600.0
_MAX_BYTES = 1 << 50
_MODE = re.compile(r"0o?([0-7]{3,4})")


def parse_duration(value: object) -> float:
    """``1m30s`` -> seconds. Raises ValueError on anything but a non-negative duration up to a year."""
    if isinstance(value, float) and 0 <= value <= _MAX_SECONDS:
        return value
    if not isinstance(value, str) or len(value) > 40 or not _DURATION.fullmatch(value):
        raise ValueError("expected a duration such as 500ms, 10s, 1m30s or 2h")
    seconds = round(sum(float(n) * _SECONDS[u] for n, u in _DURATION_PART.findall(value)), 6)
    if seconds > _MAX_SECONDS:
        raise ValueError("expected a duration of at most a year")
    return seconds


def parse_size(value: object) -> int:
    """``256M`` -> bytes (binary multiples, as in Compose). Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_BYTES:
        return value
    match = _SIZE.fullmatch(value) if isinstance(value, str) and len(value) <= 20 else None
    if not match or (size := int(match[1]) * _BYTES[match[2].lower()]) > _MAX_BYTES:
        raise ValueError("expected a size such as 512k, 256M or 2G")
    return size


def parse_mode(value: object) -> int:
    """``0o440`` -> permission bits. Raises ValueError."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 0o7777:
        return value
    match = _MODE.fullmatch(value) if isinstance(value, str) else None
    if not match:
        raise ValueError("expected a mode such as 0o440")
    return int(match[1], 8)


def parse_cpus(value: object) -> float:
    """``"0.5"`` -> CPUs. Raises ValueError."""
    try:
        cpus = round(float(value), 9) if isinstance(value, (str, int, float)) else -1.0
    except ValueError:
        cpus = -1.0
    if isinstance(value, bool) or not 0 < cpus <= 4096:
        raise ValueError('expected a number of CPUs such as "0.5"')
    return cpus


def text_of(value: object) -> object:
    """Canonical integers count as text where text is expected (``8080``)."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


# The JSON Schema of each is that of the text which people write, not of the normal form.
Text = Annotated[str, BeforeValidator(text_of), WithJsonSchema({"type": ["string", "integer"]})]
Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": "string", "pattern": f"^{_DURATION.pattern}$", "examples": ["10s", "1m30s"]}),
]
Size = Annotated[
    int,
    BeforeValidator(parse_size),
    WithJsonSchema(
        {"type": ["string", "integer"], "pattern": "^[0-9]+[bkmgtBKMGT]?[bB]?$", "examples": ["256M"]}
    ),
]
Mode = Annotated[
    int,
    BeforeValidator(parse_mode),
    WithJsonSchema({"type": ["string", "integer"], "pattern": "^0o?[0-7]{3,4}$", "examples": ["0o440"]}),
]
Cpus = Annotated[
    float,
    BeforeValidator(parse_cpus),
    WithJsonSchema({"type": ["string", "number"], "examples": ["0.5"]}),
]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
"""A lower-case DNS label (RFC 1123): our own names never contain ``_``."""


def refuse_odd_ref(ref: str) -> str:
    """git's own rules for the name of a ref, as far as the pattern does not hold them. Raises ValueError."""
    if ".." in ref or "//" in ref or "/." in ref or ref.endswith(("/", ".", ".lock")):
        raise ValueError("expected the name of a branch, such as main")
    return ref


FilePath = Annotated[str, StringConstraints(pattern=r"^/[^\x00]*$", max_length=4096)]
"""An absolute path of the machine that a loop runs on; Run files alone have such."""
RefName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/+#-]{0,199}$"), AfterValidator(refuse_odd_ref)
]
"""A branch: never an option, a path out of the repository, or an expression."""
PortNumber = Annotated[int, Field(ge=1, le=65535)]


class SecretRef(Model):
    """``{secret: NAME}``: a value that lives outside git (contracts, section 6)."""

    secret: Name

"""Prometheus' text format 0.0.4. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

PREFIX = "reconciler_"


@dataclass(frozen=True, slots=True)
class Sample:
    """One number. ``suffix`` follows the family's name: ``_bucket``, ``_sum``, ``_count`` of a histogram."""

    value: float
    labels: Mapping[str, str]
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """All numbers of one name. ``prefix`` is empty for the names that every process has."""

    name: str
    kind: str
    meaning: str
    samples: tuple[Sample, ...]
    prefix: str = PREFIX


def metric_text(families: Iterable[Family]) -> str:
    """The families as text."""
    return "".join(_family(family) for family in families)


def _family(family: Family) -> str:
    name = f"{family.prefix}{family.name}"
    meaning = family.meaning.replace("\\", "\\\\").replace("\n", "\\n")
    lines = [f"# HELP {name} {meaning}", f"# TYPE {name} {family.kind}"]
    lines += [
        f"{name}{sample.suffix}{_labels(sample.labels)} {_number(sample.value)}" for sample in family.samples
    ]
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    pairs = ",".join(f'{name}="{escape_label(value)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def escape_label(value: str) -> str:
    """A label's value between quotes."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    """Whole numbers whole, however large; else as precise as they are."""
    return str(int(value)) if value == int(value) else repr(float(value))

"""What became of gates, as text and as JSON: which one holds, what is missing, when to try again. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.gate_result import GateResult, may_pass, retry_at
from reconciler.render import PLAIN, Style, escape, format_time
from reconciler.render_json import JsonObject

_MOST_SHOWN = 400


def render_gates(results: Sequence[GateResult], style: Style = PLAIN) -> str:
    """One line a gate; what holds the promotion back says what is expected, what to do, and when."""
    lines = [_line(result, style) for result in results]
    at = retry_at(results)
    if may_pass(results) is not True and at is not None:
        lines.append(f"try again at {format_time(at)}: nothing else is missing")
    return "".join(f"{line}\n" for line in lines)


def describe_gate(result: GateResult) -> str:
    """One gate in a sentence, for a wait or a problem."""
    about = f" of {result.service_name}" if result.service_name else ""
    parts = [f"gate {result.name}{about}: {result.seen}, expected {result.expected}"]
    if result.retry_at is not None:
        parts.append(f"try again at {format_time(result.retry_at)}")
    parts += [result.remedy] if result.remedy and result.passed is not True else []
    return escape("; ".join(parts), _MOST_SHOWN)


def gates_json(results: Sequence[GateResult]) -> list[JsonObject]:
    """``gates`` of output ``promote`` (contracts, section 3)."""
    return [
        {
            "name": result.name,
            "service": result.service_name,
            "passed": result.passed,
            "seen": result.seen,
            "expected": result.expected,
            "retry_at": format_time(result.retry_at),
            "remedy": result.remedy or None,
        }
        for result in results
    ]


def _line(result: GateResult, style: Style) -> str:
    if result.passed:
        about = f" of {result.service_name}" if result.service_name else ""
        return f"{style.good('passed')}: gate {escape(f'{result.name}{about}: {result.seen}', _MOST_SHOWN)}"
    word = style.warn("cannot tell") if result.passed is None else style.bad("refused")
    return f"{word}: {describe_gate(result)}"

"""Outputs as SARIF 2.1.0, the form in which code scanning takes results. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from urllib.parse import quote

from reconciler.desired import Json
from reconciler.outputs.drift import DriftedPart, DriftOutput
from reconciler.outputs.parts import BlockPart, Envelope, PlacePart, ProblemPart
from reconciler.outputs.plan import PlanOutput
from reconciler.outputs.read import Output
from reconciler.render import count, escape
from reconciler.render_json import JsonObject

SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_MOST: Final = 5_000
"""Results of one run beyond which code scanning takes none."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a code means, why it comes up and what to do."""

    meaning: str
    cause: str
    remedy: str


@dataclass(frozen=True, slots=True)
class _Result:
    code: str
    level: str
    subject: str
    text: str
    file: str | None = None
    line: int | None = None
    column: int | None = None


def render_sarif(outputs: Sequence[Output], explain: Callable[[str], Rule | None], path: str) -> JsonObject:
    """One run with a result for each problem, block and drifted service. ``path``: the spec folder, where
    results lie that are about no line of a file."""
    found = [result for output in outputs for result in _results(output)][:_MOST]
    codes = sorted({result.code for result in found})
    numbers = {code: number for number, code in enumerate(codes)}
    version = outputs[0].tool.rpartition(" ")[2] if outputs else ""
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "reconciler",
                        "version": escape(version, 60),
                        "rules": [_rule_json(code, explain(code)) for code in codes],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "invocations": [_invocation_json(output) for output in outputs],
                "results": [_result_json(result, numbers[result.code], path) for result in found],
            }
        ],
    }


def _results(output: Output) -> list[_Result]:
    found = [_of_problem(problem) for problem in output.problems]
    if isinstance(output, PlanOutput):
        found += [_of_block(block) for block in output.blocks]
    if isinstance(output, DriftOutput):
        found += [_of_service(service) for service in output.services if service.result != "clean"]
    return found


def _of_problem(problem: ProblemPart) -> _Result:
    expected = f", expected {problem.expected}" if problem.expected else ""
    remedy = f" ({problem.remedy})" if problem.remedy else ""
    return _Result(
        problem.code,
        problem.severity,
        problem.subject or "",
        f"{problem.seen}{expected}{remedy}",
        problem.file,
        problem.line,
        problem.column,
    )


def _of_block(block: BlockPart) -> _Result:
    remedy = f" ({block.remedy})" if block.remedy else ""
    return _Result(block.code, "error", f"{block.subject.kind} {block.subject.name}", block.reason + remedy)


def _of_service(service: DriftedPart) -> _Result:
    paths = [diff.path for diff in service.diffs if diff.origin == "live"]
    paths += [f"{count(service.missing, 'instance')} gone"] if service.missing else []
    paths += [f"{count(len(service.extra), 'instance')} too many"] if service.extra else []
    is_known = service.result == "drifted"
    code, level = ("DRIFT001", "error") if is_known else ("DRIFT002", "warning")
    words = "differs from what was applied" if is_known else "cannot be compared with what was applied"
    named = f": {', '.join(paths[:20])}" if paths else ""
    place = service.place or PlacePart(file=None, line=None, column=None)
    subject = f"Service {service.service}"
    return _Result(code, level, subject, f"{words}{named}", place.file, place.line, place.column)


def _rule_json(code: str, rule: Rule | None) -> JsonObject:
    if rule is None:
        return {"id": escape(code, 60)}
    return {
        "id": code,
        "shortDescription": {"text": rule.meaning},
        "fullDescription": {"text": rule.cause},
        "help": {
            "text": f"{rule.cause} What to do: {rule.remedy}",
            "markdown": f"{rule.cause}\n\n**What to do.** {rule.remedy}",
        },
    }


def _result_json(result: _Result, number: int, path: str) -> JsonObject:
    subject = escape(result.subject, 300)
    text = f"{subject}: {escape(result.text)}" if subject else escape(result.text)
    physical: JsonObject = {
        "artifactLocation": {"uri": quote(result.file or path, errors="replace"), "uriBaseId": "%SRCROOT%"}
    }
    if result.line is not None and result.line > 0:
        column = result.column if result.column is not None and result.column > 0 else 1
        physical["region"] = {"startLine": result.line, "startColumn": column}
    location: JsonObject = {"physicalLocation": physical}
    if subject:
        location["logicalLocations"] = [{"fullyQualifiedName": subject}]
    # Neither line nor text: a result stays the same one when its file grows above it.
    mark = sha256(f"{result.code}\n{result.file or ''}\n{result.subject}".encode("utf-8", "replace"))
    return {
        "ruleId": escape(result.code, 60),
        "ruleIndex": number,
        "level": result.level,
        "message": {"text": text},
        "locations": [location],
        "partialFingerprints": {"reconciler/v1": mark.hexdigest()[:32]},
    }


def _invocation_json(output: Envelope) -> JsonObject:
    notes: list[Json] = [
        {
            "level": "warning",
            "message": {"text": f"cannot tell ({escape(unread.what)}): {escape(unread.reason)}"},
        }
        for unread in output.unreadable
    ]
    return {
        "executionSuccessful": output.exit not in (1, 64, 130),
        "exitCode": output.exit,
        "endTimeUtc": output.at,
        "toolExecutionNotifications": notes,
    }

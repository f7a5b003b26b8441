"""Outputs as JUnit XML: a test case for each service, or for each file with problems. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape as escape_xml
from typing import Literal

from reconciler.outputs.drift import DriftedPart, DriftOutput
from reconciler.outputs.parts import Envelope, ProblemPart
from reconciler.outputs.plan import PlanOutput
from reconciler.outputs.read import Output, output_verb
from reconciler.plan_summary import Row, rows
from reconciler.render import count, escape, format_value

_PENDING = 2


@dataclass(frozen=True, slots=True)
class _Case:
    name: str
    result: Literal["passed", "failure", "error", "skipped"] = "passed"
    message: str = ""
    kind: str = ""
    lines: tuple[str, ...] = ()


def render_junit(outputs: Sequence[Output]) -> str:
    """One suite for each output. Failure: drift, a block, a problem, or what is pending where the exit code
    says so; error: the verb failed; skipped: cannot tell."""
    suites = [(output, _cases(output)) for output in outputs]
    cases = [case for _, found in suites for case in found]
    lines = ['<?xml version="1.0" encoding="UTF-8"?>']
    lines.append(f'<testsuites name="reconciler"{_tally(cases)}>')
    for output, found in suites:
        lines += _suite(output, found)
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _cases(output: Output) -> list[_Case]:
    match output:
        case DriftOutput():
            return [*_unreadable(output), *_warnings(output), *map(_of_drift, output.services)]
        case PlanOutput():
            return [*_unreadable(output), *_warnings(output), *_of_plan(output)]
        case _:
            found = list(
                _of_files(output.problems, "failure" if output_verb(output) == "validate" else "error")
            )
            return [*found, *_unreadable(output)] if found else [_Case("all documents"), *_unreadable(output)]


def _unreadable(output: Envelope) -> Iterable[_Case]:
    return [_Case(f"read {u.what}", "skipped", f"cannot tell: {u.reason}") for u in output.unreadable]


def _warnings(output: Envelope) -> Iterable[_Case]:
    return _of_files(output.problems, "failure")


def _of_files(problems: Iterable[ProblemPart], result: Literal["failure", "error"]) -> Iterable[_Case]:
    found: dict[str, list[ProblemPart]] = {}
    for problem in problems:
        found.setdefault(problem.file or problem.subject or "specs", []).append(problem)
    for name, told in sorted(found.items()):
        lines = tuple(_problem_line(problem) for problem in told)
        errors = [problem for problem in told if problem.severity == "error"]
        if errors:
            yield _Case(name, result, count(len(errors), "problem"), errors[0].code, lines)
        else:
            yield _Case(name, lines=lines)


def _problem_line(problem: ProblemPart) -> str:
    where = ":".join(str(part) for part in (problem.line, problem.column) if part is not None)
    told = problem.seen + (f", expected {problem.expected}" if problem.expected else "")
    told += f" ({problem.remedy})" if problem.remedy else ""
    return ": ".join(part for part in (where, problem.subject, f"{told}  [{problem.code}]") if part)


def _of_drift(service: DriftedPart) -> _Case:
    name, lines = f"service {service.service}", []
    for diff in (d for d in service.diffs if d.origin == "live"):
        told = f"applied {format_value(diff.applied)}, lives {format_value(diff.live)}"
        lines.append(f"{diff.path}: {told if diff.verdict == 'different' else diff.verdict}")
    lines += [f"{count(service.missing, 'instance')} gone"] if service.missing else []
    lines += [f"one too many: {s.instance.name if s.instance else s.name}" for s in service.extra]
    lines += [f"left alone: {i.path} ({i.reason})" for i in service.ignored]
    if service.result == "drifted":
        return _Case(name, "failure", "it differs from what was applied", "DRIFT001", tuple(lines))
    if service.result == "cannot_tell":
        return _Case(name, "skipped", "cannot tell", "DRIFT002", tuple(lines))
    return _Case(name, lines=tuple(lines))


def _of_plan(plan: PlanOutput) -> Iterable[_Case]:
    blocks = {(b.subject.kind, b.subject.name): b for b in plan.blocks}
    changes = {(row.kind, row.name): row for row in rows(plan)}
    for kind, name in sorted(blocks.keys() | changes.keys()):
        block, row = blocks.get((kind, name)), changes.get((kind, name))
        case_name, lines = f"{kind.lower()} {name}", _row_lines(row)
        if block is not None:
            more = (block.remedy,) if block.remedy else ()
            yield _Case(case_name, "failure", block.reason, block.code, (*more, *lines))
        elif plan.exit == _PENDING:
            yield _Case(case_name, "failure", "it is not deployed yet", "pending", lines)
        else:
            yield _Case(case_name, lines=lines)
    if not blocks and not changes:
        yield _Case("nothing to do")


def _row_lines(row: Row | None) -> tuple[str, ...]:
    return () if row is None else (f"{row.words(str)} ({row.why})",)


def _suite(output: Envelope, cases: Sequence[_Case]) -> Iterable[str]:
    owner = f" {output.owner.project}/{output.owner.environment}" if output.owner else ""
    name = f"{output_verb(output)}{owner}"
    stamp = output.at.removesuffix("Z")
    yield f'  <testsuite name={_quoted(name)}{_tally(cases)} timestamp={_quoted(stamp)} time="0">'
    for case in cases:
        yield from _case(name, case)
    yield "  </testsuite>"


def _case(suite_name: str, case: _Case) -> Iterable[str]:
    head = f'    <testcase classname={_quoted(suite_name)} name={_quoted(case.name)} time="0"'
    text = escape_xml("\n".join(escape(line) for line in case.lines))
    match case.result:
        case "passed":
            inside = f"<system-out>{text}</system-out>" if text else ""
        case "skipped":
            told = f"<system-out>{text}</system-out>" if text else ""
            inside = f"<skipped message={_quoted(case.message)}/>{told}"
        case "failure" | "error":
            attributes = f"message={_quoted(case.message)} type={_quoted(case.kind)}"
            inside = f"<{case.result} {attributes}>{text}</{case.result}>"
    yield f"{head}>{inside}</testcase>" if inside else f"{head}/>"


def _tally(cases: Sequence[_Case]) -> str:
    results = [case.result for case in cases]
    parts = [f'tests="{len(cases)}"']
    parts += [f'{word}="{results.count(result)}"' for word, result in _WORDS]
    return " " + " ".join(parts)


_WORDS: tuple[tuple[str, Literal["failure", "error", "skipped"]], ...] = (
    ("failures", "failure"),
    ("errors", "error"),
    ("skipped", "skipped"),
)


def _quoted(text: str) -> str:
    return f'"{escape_xml(escape(text, 500))}"'

"""What the language says to a service that was drafted: a word that it refuses goes, with a line."""

from __future__ import annotations

import json

from reconciler.compose.tree import JsonObject
from reconciler.compose.work import ServiceWork
from reconciler.desired import Json
from specs.load import SpecFile, load
from specs.problem import Problem, Report
from specs.service import Service
from specs.validate import read_model
from specs.variables import substitute

_HEAD = "apiVersion: reconciler/v1\nkind: Service\nmetadata: {name: x}\nspec:\n"


_OF_OTHERS = {"SPEC023", "SPEC024", "SPEC025", "SPEC026", "SPEC031", "SPEC035", "SPEC037"}
"""Problems that other documents cause: here a service stands alone."""


def keep_what_fits(work: ServiceWork) -> None:
    """Take out each word, or each part of a list or map, that the language refuses, with a line each."""
    variables = work.whole.draft.variables
    problems = problems_of(work.spec, variables)
    for word in [word for word in work.spec if word in problems]:
        rest = _without_refused(work, word, variables)
        if rest in (None, [], {}):
            del work.spec[word]
        else:
            work.spec[word] = rest
    for word, problem in problems_of(work.spec, variables).items():
        if word != "image":
            work.note("dropped", f"{word} is not carried over: {_reason(problem)}")
            work.spec.pop(word, None)


def _without_refused(work: ServiceWork, word: str, variables: dict[str, str]) -> Json:
    value = work.spec[word]
    if word == "image" or not isinstance(value, (dict, list)) or word in ("command", "entrypoint"):
        return value
    kept: list[tuple[str, Json]] = []
    for key, part in value.items() if isinstance(value, dict) else [("", item) for item in value]:
        one: Json = {key: part} if isinstance(value, dict) else [part]
        problem = problems_of({"image": "x:1", word: one}, variables).get(word)
        if problem is None:
            kept.append((key, part))
        else:
            shown = key or (part.get("target") if isinstance(part, dict) else part)
            work.note("dropped", f"{word} {shown} is not carried over: {_reason(problem)}")
    return dict(kept) if isinstance(value, dict) else [part for _, part in kept]


def _reason(problem: Problem) -> str:
    expected = f", expected {problem.expected}" if problem.expected else ""
    return f"{problem.seen}{expected}" + (f" ({problem.remedy})" if problem.remedy else "")


def problems_of(spec: JsonObject, variables: dict[str, str]) -> dict[str, Problem]:
    """The first error about each word of a service."""
    words = list(spec)
    lines = [f"  {json.dumps(word)}: {json.dumps(spec[word], ensure_ascii=False)}\n" for word in words]
    found: dict[str, Problem] = {}
    for problem in _check(_HEAD + "".join(lines), variables):
        at = (problem.line or 0) - _HEAD.count("\n") - 1
        if problem.severity == "error" and problem.code not in _OF_OTHERS and 0 <= at < len(words):
            found.setdefault(words[at], problem)
    return found


def _check(text: str, variables: dict[str, str]) -> list[Problem]:
    spec_set, problems = load([SpecFile("specs/x.yaml", text.encode())])
    written = spec_set.documents.get(("Service", "x"))
    if written is None or written.model is not None:
        return problems
    report = Report()
    read_model(Service, substitute(written.spec, variables, report), report)
    return [*problems, *report.problems]


def model_of(spec: JsonObject, variables: dict[str, str]) -> Service | None:
    """The service as the language reads it; None where it has problems."""
    lines = [f"  {json.dumps(word)}: {json.dumps(part, ensure_ascii=False)}\n" for word, part in spec.items()]
    spec_set, _ = load([SpecFile("specs/x.yaml", (_HEAD + "".join(lines)).encode())])
    written = spec_set.documents.get(("Service", "x"))
    if written is None:
        return None
    return read_model(Service, substitute(written.spec, variables, Report()), Report())

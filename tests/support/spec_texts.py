"""Short ways to write spec documents in tests, and to load them."""

from __future__ import annotations

from specs.effective import Effective, effective
from specs.load import SpecFile, load
from specs.problem import has_errors
from specs.service import Service
from specs.spec_set import SpecSet


def document(kind: str, name: str, *lines: str) -> str:
    """One document; every line is one of its spec."""
    body = "".join(f"  {line}\n" for line in lines) or "  {}\n"
    return f"apiVersion: reconciler/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:\n{body}"


def environment(*lines: str, name: str = "dev") -> str:
    """An Environment of the project shop."""
    return document("Environment", name, "project: shop", *lines)


def service(name: str, *lines: str, image: str = "redis:7") -> str:
    """A Service."""
    return document("Service", name, f"image: {image}", *lines)


def spec_set_of(*documents: str) -> SpecSet:
    """The loaded set of documents without errors."""
    spec_set, problems = load([SpecFile("specs/a.yaml", "---\n".join(documents).encode())])
    assert not has_errors(problems), [str(problem) for problem in problems]
    return spec_set


def effective_of(*documents: str, name: str = "dev") -> Effective:
    """The effective specs of documents without errors."""
    result, problems = effective(spec_set_of(*documents), name)
    assert result is not None, [str(problem) for problem in problems]
    return result


def service_of(*lines: str, with_documents: tuple[str, ...] = (), image: str = "redis:7") -> Service:
    """The model of one service."""
    return effective_of(service("web", *lines, image=image), environment(), *with_documents).services["web"]

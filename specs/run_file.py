"""Kind Run: what a loop keeps. It lies outside of every spec folder, and what it says bounds what documents
in git may say (contracts, sections 8 and 9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StringConstraints

from specs.document import API_VERSION
from specs.model import Duration, FilePath, Model
from specs.node import Map, Scalar
from specs.problem import Place, Problem, Report, in_order
from specs.run_access import check_access
from specs.run_push import check_pushes
from specs.run_pusher import Pusher, check_pushers
from specs.run_repository import RunRepository
from specs.run_results import Notify
from specs.suggest import did_you_mean
from specs.validate import read_model
from specs.yaml_tree import Budget, read_documents

Listener = Annotated[
    str,
    StringConstraints(
        pattern=r"^((127\.0\.0\.1|localhost|\[::1\]|0\.0\.0\.0|\[::\]):[0-9]{1,5}|unix:/[^\x00]{1,100})$",
        max_length=106,
    ),
]
"""A unix socket's path holds at most 107 bytes."""
_FIELDS = ("apiVersion", "kind", "metadata", "spec")


class RunSpec(Model):
    """What one process keeps."""

    repositories: tuple[RunRepository, ...] = Field(min_length=1, description="What is kept.")
    secrets: FilePath | None = Field(
        default=None, description="The secrets folder; default: $CREDENTIALS_DIRECTORY, else /run/secrets."
    )
    pushers: tuple[Pusher, ...] = Field(
        default=(), description="Who may push to the repositories that this loop receives."
    )
    notify: tuple[Notify, ...] = Field(default=(), description="Who is told what becomes of commits.")
    resync: Duration = Field(
        default=60.0, description="How often an environment of which nothing is heard is looked at."
    )
    listen: Listener | None = Field(
        default=None,
        description="Where webhooks, health and metrics are served: loopback, a unix socket (mode 0660), or "
        "every address (0.0.0.0) of a container that a proxy with TLS stands before.",
        examples=["127.0.0.1:8484", "unix:/run/reconciler/http.sock"],
    )


@dataclass(frozen=True, slots=True)
class RunFile:
    """A Run file that was read."""

    name: str
    spec: RunSpec


def load_run(file: str, content: bytes) -> tuple[RunFile | None, list[Problem]]:
    """Read and check one Run file; None when anything is wrong. Never raises."""
    report = Report()
    nodes = read_documents(file, content, Budget(), report)
    if not report.problems and (len(nodes) != 1 or not isinstance(nodes[0], Map)):
        report.add("SPEC032", Place(file), f"{len(nodes)} documents", expected="one document of kind Run")
    found = _read(nodes[0], report) if not report.problems and isinstance(nodes[0], Map) else None
    return (None if report.problems else found), in_order(report.problems)


def _read(node: Map, report: Report) -> RunFile | None:
    for name, expected in (("apiVersion", API_VERSION), ("kind", "Run")):
        given = node.get(name)
        if not isinstance(given, Scalar) or given.text != expected:
            place = node.place_of(name) if given is None else given.place
            report.add("SPEC011", place, f"another {name}", expected=f"{name}: {expected}")
    for key, (place, _) in node.entries.items():
        if key not in _FIELDS:
            report.add("SPEC012", place, f'unknown field "{key}"', remedy=did_you_mean(key, _FIELDS))
    title = node.map_of("metadata").get("name")
    spec = node.get("spec")
    if not isinstance(spec, Map):
        report.add("SPEC013", node.place_of("spec"), '"spec" is missing', expected="spec: {repositories: …}")
        return None
    model = read_model(RunSpec, spec, report.about("Run"))
    if model is None:
        return None
    _check(model, spec, report.about("Run"))
    return RunFile(title.text if isinstance(title, Scalar) else "run", model)


def _check(model: RunSpec, spec: Map, report: Report) -> None:
    place = spec.place_of("repositories")
    names = [repository.name for repository in model.repositories]
    for name in sorted({name for name in names if names.count(name) > 1}):
        report.add("SPEC020", place, f"repository {name} stands twice", remedy="give each a name of its own")
    for repository in model.repositories:
        if (repository.url is None) == (repository.folder is None):
            seen = f"repository {repository.name} has {'both' if repository.url else 'neither'}"
            report.add("SPEC015", place, seen, expected="either url or folder")
        if repository.receive and repository.folder is None:
            report.add("SPEC015", place, f"repository {repository.name} receives", expected="a folder")
    check_access(model.repositories, spec.get("repositories"), report)
    check_pushes(model.repositories, spec.get("repositories"), report)
    check_pushers(model.pushers, model.repositories, spec.get("pushers"), report)

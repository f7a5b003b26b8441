"""An environment that follows another, as if everything were promoted as one commit has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from reconciler.cli.envelope import Stop, warning
from reconciler.cli.options import Options
from reconciler.cli.pins import Pins
from reconciler.cli.source import Source
from reconciler.cli.validate import as_promoted
from reconciler.cli.workspace import Workspace, assemble
from reconciler.desired import Json
from reconciler.ownership import Owner
from specs.effective import effective
from specs.node import Map, Node, Scalar
from specs.problem import Problem
from specs.spec_set import Key, SpecSet


def read_promoted(options: Options, source: Source) -> tuple[Workspace | None, tuple[Problem, ...]]:
    """The environment without its pins; None, and warnings, where that does not go together: nothing that
    runs depends on it yet. Raises ProviderError."""
    name = options.environment
    paths = {file.path for file in source.files}
    found, problems = effective(source.specs, name, file_paths=paths, read_file=source.read_file)
    if found is None:
        return None, tuple(map(as_promoted, problems))
    owner = Owner(found.environment.project, name)
    try:
        return assemble(options, replace(source, problems=()), owner, Pins(found)), ()
    except Stop as stop:
        return None, tuple(map(as_promoted, stop.problems))


def torn_patches(environment_name: str, before: SpecSet, after: SpecSet) -> Iterator[Problem]:
    """A warning for each document that changes together with its patch in an environment that follows
    another: the patch counts when it is merged, the document when it is promoted."""
    old, new = _patches(environment_name, before), _patches(environment_name, after)
    for kind, name in sorted(old.keys() | new.keys()):
        is_patched_anew = old.get((kind, name)) != new.get((kind, name))
        if is_patched_anew and _document(before, (kind, name)) != _document(after, (kind, name)):
            words = f"{kind} {name} and its patch here change together"
            seen = f"{words}: the patch counts once it is merged, the document once it is promoted"
            remedy = "make two changes of it, in an order in which both fit at any time"
            yield warning("CLI105", f"Environment {environment_name}", seen, remedy)


def _patches(environment_name: str, specs: SpecSet) -> Mapping[Key, list[Json]]:
    environment = specs.environments.get(environment_name)
    found: dict[Key, list[Json]] = {}
    for patch in environment.patches if environment is not None else ():
        found.setdefault((patch.kind, patch.name), []).append(patch.spec)
    return found


def _document(specs: SpecSet, key: Key) -> Json:
    written = specs.documents.get(key)
    return None if written is None else _plain(written.spec)


def _plain(node: Node) -> Json:
    """The node without its places."""
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Map):
        return {key: _plain(entry.node) for key, entry in node.entries.items()}
    return [_plain(item) for item in node.items]

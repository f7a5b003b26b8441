"""Compose files of one folder as one model: ``extends``, several files and ``include`` resolved."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from reconciler.compose.dotenv import read_dotenv
from reconciler.compose.merge import merge, settled
from reconciler.compose.mounts_form import relative
from reconciler.compose.places import Files, is_outside, located, read_file
from reconciler.compose.service_form import Place, canonical_service, pairs
from reconciler.compose.tree import RESOURCES, ComposeError, Tree, as_bool, listed, mapping, text_of
from reconciler.compose.variables import Marks, Scope
from reconciler.compose.yaml_file import Override, Reset, read_yaml

_MAX_FILES: Final = 200
_MAX_NODES: Final = 400_000
_MAX_DEPTH: Final = 16


@dataclass(slots=True)
class Model:
    """Services in canonical form, and the four kinds of resources, by name."""

    services: dict[str, Tree] = field(default_factory=dict)
    resources: dict[str, dict[str, Tree]] = field(default_factory=lambda: {kind: {} for kind in RESOURCES})
    name: str | None = None
    includes: list[object] = field(default_factory=list)


@dataclass(slots=True)
class Reader:
    """Reads models; counts files and nodes over the whole project, so that nothing grows without bound."""

    files: Files
    marks: Marks = field(default_factory=Marks)
    paths: list[str] = field(default_factory=list)
    nodes: int = 0
    trees: dict[str, Tree] = field(default_factory=dict)

    def read(self, paths: Sequence[str], folder: str, values: Mapping[str, str], depth: int = 0) -> Model:
        """The model of ``paths``, whose relative paths begin at ``folder``. Raises ComposeError."""
        scope = Scope(values, self.marks)
        model = Model()
        for path in paths:
            self._add_file(model, path, folder, scope)
        includes, model.includes = model.includes, []
        for include in includes:
            self._include(model, include, folder, values, depth)
        return model

    def dotenv(self, path: str, known: Mapping[str, str]) -> dict[str, str]:
        """The variables of a ``.env``; none where there is no such file."""
        content = None if is_outside(path) else self.files.read(path)
        if content is None:
            return {}
        found = read_dotenv(content, path, known, self.marks)
        return {name: value for name, value in found.items() if value is not None}

    def _tree(self, path: str, what: str) -> Tree:
        if path not in self.trees:
            if len(self.trees) >= _MAX_FILES:
                raise ComposeError(f"{what}: more than {_MAX_FILES} files")
            self.trees[path] = read_yaml(read_file(self.files, path, what), path)
            self.paths.append(path)
        return self.trees[path]

    def _add_file(self, model: Model, path: str, folder: str, scope: Scope) -> None:
        tree = self._tree(path, path)
        if "name" in tree:
            model.name = self.marks.value(scope.put(text_of(tree["name"]), f"{path}: name"))
        model.includes += [scope.walk(item, f"{path}: include") for item in listed(tree.get("include"))]
        services = tree.get("services")
        whole = isinstance(services, Override)
        source = mapping(services.value if isinstance(services, Override) else services)
        if whole:
            model.services = {}
        for name in source:
            self._add_service(model, name, source, path, folder, scope)
        for kind in RESOURCES:
            for name, spec in mapping(tree.get(kind)).items():
                self._add_resource(model.resources[kind], name, spec, Place(folder, path, self.marks), scope)

    def _add_service(
        self, model: Model, name: str, source: Tree, path: str, folder: str, scope: Scope
    ) -> None:
        if isinstance(source[name], Reset):
            model.services.pop(name, None)
            return
        if isinstance(source[name], Override):
            model.services.pop(name, None)
        form = self._service(name, source, Place(folder, f"{path}: service {name}", self.marks), scope, path)
        model.services[name] = merge(model.services.get(name, {}), form)
        self.nodes += _count(model.services[name])
        if self.nodes > _MAX_NODES:
            raise ComposeError(f"{path}: too large once what services extend is written out")

    def _service(
        self,
        name: str,
        source: Tree,
        place: Place,
        scope: Scope,
        path: str,
        chain: tuple[tuple[str, str], ...] = (),
    ) -> Tree:
        """One service of one file, with what it extends under it."""
        if (path, name) in chain or name not in source or len(chain) > _MAX_DEPTH:
            raise ComposeError(f"{place.where}: it extends a service that is absent or extends it in turn")
        raw = source[name]
        raw = raw.value if isinstance(raw, Override) else raw
        if raw is not None and not isinstance(raw, dict):
            raise ComposeError(f"{place.where}: not a mapping")
        tree = mapping(scope.walk(mapping(raw), place.where))
        parent = tree.pop("extends", None)
        own = canonical_service(tree, place)
        if parent is None or isinstance(parent, Reset):
            return own
        under = self._parent(parent, source, place, scope, path, (*chain, (path, name)))
        return merge(merge({}, under), own)

    def _parent(
        self,
        parent: object,
        source: Tree,
        place: Place,
        scope: Scope,
        path: str,
        chain: tuple[tuple[str, str], ...],
    ) -> Tree:
        words = mapping(parent) if isinstance(parent, dict) else {"service": text_of(parent)}
        name = self.marks.value(text_of(words.get("service")))
        if not words.get("file"):
            return self._service(name, source, place, scope, path, chain)
        other = located(place.folder, self.marks.value(text_of(words["file"])))
        tree = self._tree(other, f"{place.where}: extends")
        there = Place(posixpath.dirname(other), f"{other}: service {name}", self.marks)
        return self._service(name, mapping(tree.get("services")), there, scope, other, chain)

    def _add_resource(
        self, found: dict[str, Tree], name: str, spec: object, place: Place, scope: Scope
    ) -> None:
        if isinstance(spec, Reset):
            found.pop(name, None)
            return
        if isinstance(spec, Override):
            found.pop(name, None)
        raw = spec.value if isinstance(spec, Override) else spec
        form = canonical_resource(mapping(scope.walk(mapping(raw), f"{place.where}: {name}")), place)
        found[name] = merge(found.get(name, {}), form)

    def _include(
        self, model: Model, include: object, folder: str, values: Mapping[str, str], depth: int
    ) -> None:
        if depth >= _MAX_DEPTH:
            raise ComposeError("include: files that include one another")
        words = mapping(include) if isinstance(include, dict) else {"path": include}
        paths = [located(folder, self.marks.value(text_of(item))) for item in listed(words.get("path"))]
        if not paths:
            raise ComposeError("include: no path")
        given = words.get("project_directory")
        inner = (
            located(folder, self.marks.value(text_of(given))) if given else posixpath.dirname(paths[0]) or "."
        )
        inner = "" if inner == "." else inner
        known = dict(values)
        env_files = [
            located(folder, self.marks.value(text_of(item))) for item in listed(words.get("env_file"))
        ]
        for path in env_files or [posixpath.join(inner, ".env")]:
            known = {**self.dotenv(path, known), **known}
        _add_model(model, self.read(paths, inner, known, depth + 1))


def _add_model(model: Model, other: Model) -> None:
    """What is included, beside what is there; two that differ are an error, as in Compose."""
    for kind, there, new in (
        ("services", model.services, other.services),
        *((kind, model.resources[kind], other.resources[kind]) for kind in RESOURCES),
    ):
        for name, spec in new.items():
            if name in there and there[name] != spec:
                raise ComposeError(f"include: {kind}.{name} is there already and differs")
            there[name] = spec


def canonical_resource(spec: Tree, place: Place) -> Tree:
    """A top-level volume, network, config or secret: maps for lists of pairs, paths from the root."""
    found = {key: part for key, part in spec.items() if not key.startswith("x-")}
    for word in ("labels", "driver_opts"):
        if word in found:
            found[word] = pairs(found[word])
    external = found.get("external")
    if isinstance(external, dict):
        found |= {"external": True, "name": text_of(mapping(external).get("name"))}
    elif external is not None:
        found["external"] = as_bool(external)
    if found.get("file") is not None:
        found["file"] = relative(place.folder, text_of(place.flat(found["file"])))
    return mapping(settled(found))


def _count(value: object) -> int:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(_count(part) for part in parts)

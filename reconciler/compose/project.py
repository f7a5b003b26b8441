"""A repository's Compose project: which files, which variables, which profiles; the whole of what is read."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.compose.dotenv import read_dotenv
from reconciler.compose.model import Model, Reader
from reconciler.compose.places import Files, is_outside, located
from reconciler.compose.tree import ComposeError, Tree, listed, mapping, text_of
from reconciler.compose.variables import Marks, Scope

FILE_NAMES: Final = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_MAX_SERVICES: Final = 1_000
_OVERRIDES: Final = (
    *("compose.override.yml", "compose.override.yaml"),
    *("docker-compose.override.yml", "docker-compose.override.yaml"),
)


@dataclass(frozen=True, slots=True)
class Project:
    """What ``docker compose up`` would read. ``name`` is Compose's own, which its volumes bear.

    ``given`` are the variables of the ``.env``; ``profiles`` those that it makes active.
    """

    name: str
    paths: tuple[str, ...]
    services: Mapping[str, Tree]
    resources: Mapping[str, Mapping[str, Tree]]
    marks: Marks
    given: Mapping[str, str]
    profiles: frozenset[str] = frozenset()


def find_files(files: Files) -> tuple[str, ...]:
    """The Compose file in the root under the names that Compose looks for, and its override."""
    first = next((name for name in FILE_NAMES if files.read(name) is not None), None)
    if first is None:
        return ()
    over = next((name for name in _OVERRIDES if files.read(name) is not None), None)
    return (first,) if over is None else (first, over)


def read_project(files: Files, folder_name: str, paths: Sequence[str] = ()) -> Project | None:
    """The project of a repository in a folder of that name; None without a Compose file.

    ``paths`` stand for Compose's ``--file``. Raises ComposeError.
    """
    reader = Reader(files)
    located_paths = [located("", path) for path in paths]
    folder = posixpath.dirname(located_paths[0]) if located_paths else ""
    if any(is_outside(path) for path in located_paths):
        raise ComposeError("--file: the file lies outside of this repository, where nothing is read")
    given = reader.dotenv(posixpath.join(folder, ".env"), {})
    chosen = located_paths or _named(given) or find_files(files)
    if not chosen:
        return None
    model = reader.read(chosen, folder, given)
    if not model.services:
        raise ComposeError(f"{chosen[0]}: no services in it")
    scope = Scope(given, reader.marks)
    services = {
        name: _with_variables(name, service, files, scope) for name, service in model.services.items()
    }
    name = given.get("COMPOSE_PROJECT_NAME") or model.name or posixpath.basename(folder) or folder_name
    active = [part.strip() for part in given.get("COMPOSE_PROFILES", "").split(",")]
    _check(model)
    return Project(
        project_name(name),
        tuple(chosen),
        services,
        model.resources,
        reader.marks,
        given,
        frozenset(filter(None, active)),
    )


def _named(given: Mapping[str, str]) -> list[str]:
    """``COMPOSE_FILE`` of the ``.env``."""
    separator = given.get("COMPOSE_PATH_SEPARATOR") or ":"
    return [located("", part) for part in given.get("COMPOSE_FILE", "").split(separator) if part]


def project_name(text: str) -> str:
    """A project's name as Compose writes it."""
    return "".join(c for c in text.lower() if c.isascii() and (c.isalnum() or c in "_-")).lstrip("_-")


def _check(model: Model) -> None:
    if len(model.services) > _MAX_SERVICES:
        raise ComposeError(f"more than {_MAX_SERVICES} services")
    for name, service in model.services.items():
        for other in mapping(service.get("depends_on")):
            if other not in model.services:
                raise ComposeError(f"service {name} depends on {other}, which is not there")


def _with_variables(name: str, service: Tree, files: Files, scope: Scope) -> Tree:
    """The service with the values of its ``env_file`` and of names that stand without a value."""
    found = dict(service)
    environment = mapping(service.get("environment"))
    if environment:
        found["environment"] = {
            key: scope.resolve(key) if value is None else value for key, value in environment.items()
        }
    build = mapping(service.get("build"))
    if build and not build.get("context"):
        found["build"] = build = {"context": ".", **build}
    if mapping(build.get("args")):
        args = {k: scope.resolve(k) if v is None else v for k, v in mapping(build["args"]).items()}
        found["build"] = {**build, "args": args}
    implied = _implied(service)
    if implied:
        found["depends_on"] = {**implied, **mapping(service.get("depends_on"))}
    if service.get("env_file"):
        found["env_file"] = [
            _read_env_file(mapping(item), name, files, scope) for item in listed(service["env_file"])
        ]
    return found


def _implied(service: Tree) -> Tree:
    """The services that it needs by its links, its volumes_from and the namespaces that it shares."""
    names = [text_of(item).partition(":")[0] for item in listed(service.get("links"))]
    shared = [text_of(item) for item in listed(service.get("volumes_from"))]
    names += [item.partition(":")[0] for item in shared if not item.startswith("container:")]
    for word in ("network_mode", "ipc", "pid"):
        kind, _, other = text_of(service.get(word)).partition(":")
        names += [other] if kind == "service" else []
    return {name: {"condition": "service_started", "required": True, "restart": True} for name in names}


def _read_env_file(item: Tree, name: str, files: Files, scope: Scope) -> Tree:
    """``values`` beside the path; None where the file lies outside, is absent, and is not required."""
    path = text_of(item.get("path")).removeprefix("./")
    content = None if is_outside(path) else files.read(path)
    if content is None:
        return {**item, "values": None, "outside": is_outside(path)}
    values = read_dotenv(content, path, scope.values, scope.marks)
    return {**item, "values": {key: part for key, part in values.items() if part is not None}}

"""Reading a Compose file for ``init``: YAML 1.2 scalars, merges, ``extends``, and ``${VAR:-default}``.

It is the user's own file in the user's own folder, read once; still it is read with caps and without tags.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

Tree = dict[str, object]
FILE_NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
_MAX_BYTES = 1 << 20
_MAX_NODES = 50_000
_REFERENCE = re.compile(
    r"\$(?:(?P<escaped>\$)|(?P<bare>[A-Za-z_]\w*)|\{(?P<name>[A-Za-z_]\w*)(?:(?P<kind>:?[-?+])(?P<rest>[^}]*))?\})"
)


class ComposeError(ValueError):
    """The file cannot be converted; the message says why, without a value from it."""


class _Loader(yaml.SafeLoader):
    """YAML 1.2's reading of plain scalars: ``22:22``, ``010`` and ``no`` are text, as Compose reads them."""


_Loader.yaml_implicit_resolvers = {}
for tag, pattern, first in (
    ("tag:yaml.org,2002:null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("tag:yaml.org,2002:int", r"[-+]?(0|[1-9][0-9]{0,17})", list("-+0123456789")),
    ("tag:yaml.org,2002:merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(tag, re.compile(rf"^(?:{pattern})$"), first)


@dataclass(frozen=True, slots=True)
class Compose:
    """A Compose file as one tree: merges and ``extends`` resolved, variables replaced.

    ``variables`` are those that had neither a value nor a default, and stay ``${NAME}``.
    """

    path: Path
    services: Mapping[str, Tree]
    resources: Mapping[str, Mapping[str, Tree]]
    variables: Mapping[str, str] = field(default_factory=dict)


def find_compose(folder: Path) -> Path | None:
    """The Compose file of a folder, under the names that Compose itself looks for."""
    return next((folder / name for name in FILE_NAMES if (folder / name).is_file()), None)


def read_compose(path: Path) -> Compose:
    """Read a Compose file. Raises ComposeError."""
    tree = _load(path)
    services = mapping(tree.get("services"))
    known = _dotenv(path.with_name(".env"))
    missing: dict[str, str] = {}

    def put(text: str) -> str:
        return _interpolate(text, known, missing)

    extended = {name: _extend(name, services, ()) for name in services}
    return Compose(
        path,
        {str(name): mapping(_walk(service, put)) for name, service in extended.items()},
        {
            kind: {str(n): mapping(_walk(r, put)) for n, r in mapping(tree.get(kind)).items()}
            for kind in ("volumes", "networks", "configs", "secrets")
        },
        missing,
    )


def mapping(value: object) -> Tree:
    """The value as a mapping with text keys; empty for anything else."""
    return {str(key): part for key, part in value.items()} if isinstance(value, dict) else {}


def _load(path: Path) -> Tree:
    if path.stat().st_size > _MAX_BYTES:
        raise ComposeError(f"{path.name} is larger than a megabyte")
    try:
        tree = yaml.load(path.read_bytes(), _Loader)  # noqa: S506 - a SafeLoader with fewer resolvers
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        # The parser's own message quotes the file, and so perhaps a password.
        raise ComposeError(f"{path.name}{where}: not YAML that can be read") from None
    if not isinstance(tree, dict) or not isinstance(tree.get("services"), dict):
        raise ComposeError(f"{path.name}: no services in it")
    _count_nodes(tree, [0], 0)
    return mapping(tree)


def _count_nodes(value: object, seen: list[int], depth: int) -> None:
    seen[0] += 1
    if seen[0] > _MAX_NODES or depth > 64:
        raise ComposeError("too large or too deep once its aliases are written out")
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for part in parts:
        _count_nodes(part, seen, depth + 1)


def _extend(name: str, services: Tree, chain: tuple[str, ...]) -> Tree:
    """A service with what it ``extends`` in the same file merged under it."""
    service = mapping(services.get(name))
    parent = service.pop("extends", None)
    if parent is None:
        return service
    parent_name = str(parent.get("service")) if isinstance(parent, dict) else str(parent)
    if isinstance(parent, dict) and parent.get("file"):
        raise ComposeError(f"service {name} extends another file: copy that service into this one first")
    if parent_name in (*chain, name) or parent_name not in services:
        raise ComposeError(f"service {name} extends {parent_name}, which is absent or extends it in turn")
    return _merge(_extend(parent_name, services, (*chain, name)), service)


def _merge(under: Tree, over: Tree) -> Tree:
    merged = dict(under)
    for key, value in over.items():
        old = merged.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            merged[key] = _merge(mapping(old), mapping(value))
        elif isinstance(old, list) and isinstance(value, list) and key not in {"command", "entrypoint"}:
            merged[key] = [*old, *(part for part in value if part not in old)]
        else:
            merged[key] = value
    return merged


def _walk(value: object, put: Callable[[str], str]) -> object:
    if isinstance(value, dict):
        return {str(key): _walk(part, put) for key, part in value.items()}
    if isinstance(value, list):
        return [_walk(part, put) for part in value]
    return put(value) if isinstance(value, str) else value


def _interpolate(text: str, known: Mapping[str, str], missing: dict[str, str]) -> str:
    """Defaults and values of ``.env`` in place; what has neither stays ``${NAME}`` and is declared."""

    def replace(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "$$"
        name, kind, rest = match["bare"] or match["name"], match["kind"] or "", match["rest"] or ""
        if name in known:
            return rest if kind.endswith("+") else known[name].replace("$", "$$")
        if kind.endswith(("-", "+")):
            return rest.replace("$", "$$") if kind.endswith("-") else ""
        missing[name] = ""
        return f"${{{name}}}"

    return _REFERENCE.sub(replace, text)


def _dotenv(path: Path) -> dict[str, str]:
    if not path.is_file() or path.stat().st_size > _MAX_BYTES:
        return {}
    found = {}
    for line in path.read_text(errors="replace").splitlines():
        name, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and re.fullmatch(r"[A-Za-z_]\w*", name.strip()):
            found[name.strip()] = value.strip().strip("\"'")
    return found

"""What ``init`` finds in a repository without a Compose file: Dockerfiles, their ports and volumes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.cli.compose_secret import name_of
from reconciler.desired import Json

_MAX_DOCKERFILE = 1 << 20
_IGNORED_FOLDERS = {"node_modules", "vendor", "venv", "target", "dist", "build"}
JsonObject = dict[str, Json]


@dataclass(slots=True)
class Draft:
    """The documents that ``init`` writes, by file below the spec folder, and its remarks on them."""

    files: dict[str, list[JsonObject]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    allow_host_mounts: list[str] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    exclude: list[str] = field(default_factory=list)

    def add(self, file_name: str, kind: str, name: str, spec: Mapping[str, Json]) -> None:
        """One more document."""
        self.files.setdefault(file_name, []).append(document(kind, name, spec))

    def note(self, text: str) -> None:
        """One more line for the user, once."""
        if text not in self.notes:
            self.notes.append(text)


def document(kind: str, name: str, spec: Mapping[str, Json]) -> JsonObject:
    """A document in its envelope."""
    return {"apiVersion": "reconciler/v1", "kind": kind, "metadata": {"name": name}, "spec": dict(spec)}


def find_dockerfiles(root: Path) -> list[Path]:
    """Dockerfiles in the root and one level below, the root's first."""
    folders = [root, *sorted(p for p in root.iterdir() if p.is_dir() and not p.is_symlink())]
    return [
        folder / "Dockerfile"
        for folder in folders
        if not folder.name.startswith(".") or folder == root
        if folder.name not in _IGNORED_FOLDERS and (folder / "Dockerfile").is_file()
    ]


def draft_dockerfiles(root: Path, project: str, dockerfiles: Iterable[Path]) -> Draft:
    """An Image and a Service for each Dockerfile; declared ports are published, declared volumes kept."""
    draft = Draft()
    taken: set[str] = set()
    for path in dockerfiles:
        folder = path.parent
        name = name_of(project if folder == root else folder.name)
        context = "." if folder == root else folder.relative_to(root).as_posix()
        add_image(draft, name, {"context": context})
        service: JsonObject = {"image": name}
        _add_declared(draft, name, service, path, taken)
        draft.add(f"{name}.yaml", "Service", name, service)
    return draft


def draft_example() -> Draft:
    """One service from a public image, where there is nothing to build."""
    draft = Draft()
    draft.note("no Dockerfile and no Compose file here: specs/hello.yaml is an example to replace")
    command: list[Json] = [
        "sh",
        "-c",
        "mkdir -p /www && echo hello > /www/index.html && httpd -f -p 8080 -h /www",
    ]
    spec: JsonObject = {"image": "busybox:1.36", "command": command, "ports": ["8080:8080"]}
    draft.add("hello.yaml", "Service", "hello", spec)
    return draft


def add_image(draft: Draft, name: str, build: Mapping[str, Json]) -> None:
    """An Image in the ``local`` registry."""
    spec: JsonObject = {"registry": "local", "repository": name, "build": dict(build)}
    draft.add(f"{name}.yaml", "Image", name, spec)


def _add_declared(draft: Draft, name: str, service: JsonObject, path: Path, taken: set[str]) -> None:
    ports = [port for port in _words(path, "EXPOSE") if re.fullmatch(r"[1-9][0-9]{0,4}(/tcp)?", port)]
    published = [port.removesuffix("/tcp") for port in ports]
    free = [port for port in published if port not in taken]
    taken.update(free)
    if free:
        service["ports"] = [f"{port}:{port}" for port in free]
    for port in published:
        if port not in free:
            draft.note(f"{name}: port {port} is exposed by another service too, and is not published")
    mounts: JsonObject = {}
    for place in _words(path, "VOLUME"):
        if place.startswith("/"):
            volume = name_of(f"{name}-{place}")
            mounts[place] = {"type": "volume", "source": volume}
            draft.add(f"{name}.yaml", "Volume", volume, {})
            draft.note(f"{name}: {place} is a VOLUME of its image and is kept in volume {volume}")
    if mounts:
        service["volumes"] = [{"target": target, **_object(mount)} for target, mount in mounts.items()]


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _words(path: Path, instruction: str) -> list[str]:
    """The arguments of an instruction in the last stage; arguments with variables are left out."""
    if path.stat().st_size > _MAX_DOCKERFILE:
        return []
    text = re.sub(r"\\\s*\n", " ", path.read_text(errors="replace"))
    stage = re.split(r"(?im)^\s*FROM\s", text)[-1]
    found: list[str] = []
    for line in re.findall(rf"(?im)^\s*{instruction}\s+(.+)$", stage):
        found += _split(line.strip())
    return [word for word in dict.fromkeys(found) if "$" not in word]


def _split(line: str) -> list[str]:
    if not line.startswith("["):
        return line.split()
    try:
        return [word for word in json.loads(line) if isinstance(word, str)]
    except ValueError:
        return []

"""What ``init`` finds in a repository without a Compose file: Dockerfiles, their ports and volumes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from reconciler.compose.dockerfile_words import declared_words
from reconciler.compose.draft import Draft, add_image
from reconciler.compose.passwords import name_of
from reconciler.compose.tree import JsonObject
from reconciler.desired import Json

_MAX_DOCKERFILE = 1 << 20
_IGNORED_FOLDERS = {"node_modules", "vendor", "venv", "target", "dist", "build"}


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
    draft.note(
        "example", "", "no Dockerfile and no Compose file here: specs/hello.yaml is an example to replace"
    )
    command: list[Json] = [
        "sh",
        "-c",
        "mkdir -p /www && echo hello > /www/index.html && httpd -f -p 8080 -h /www",
    ]
    spec: JsonObject = {"image": "busybox:1.36", "command": command, "ports": ["8080:8080"]}
    draft.add("hello.yaml", "Service", "hello", spec)
    return draft


def _add_declared(draft: Draft, name: str, service: JsonObject, path: Path, taken: set[str]) -> None:
    ports = [port for port in _words(path, "EXPOSE") if re.fullmatch(r"[1-9][0-9]{0,4}(/tcp)?", port)]
    published = [port.removesuffix("/tcp") for port in ports]
    free = [port for port in published if port not in taken]
    taken.update(free)
    if free:
        service["ports"] = [f"{port}:{port}" for port in free]
    for port in published:
        if port not in free:
            draft.note("port", name, f"port {port} is exposed by another service too, and is not published")
    mounts: JsonObject = {}
    for place in _words(path, "VOLUME"):
        if place.startswith("/"):
            volume = name_of(f"{name}-{place}")
            mounts[place] = {"type": "volume", "source": volume}
            draft.add(f"{name}.yaml", "Volume", volume, {})
            draft.note(
                "image-volume", name, f"{place} is a VOLUME of its image and is kept in volume {volume}"
            )
    if mounts:
        service["volumes"] = [{"target": target, **_object(mount)} for target, mount in mounts.items()]


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _words(path: Path, instruction: str) -> list[str]:
    """The arguments of an instruction in the last stage and those that it is based on."""
    if path.stat().st_size > _MAX_DOCKERFILE:
        return []
    return declared_words(path.read_bytes(), instruction)

"""What the engine that Compose runs on knows of a project: volumes, containers, images. Reads only."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence

from reconciler.compose.places import EngineFacts
from reconciler.compose.tree import listed, mapping, text_of

_LABEL = "com.docker.compose"
_LIMIT = 500


def ask_engine(project_name: str, references: Sequence[str]) -> EngineFacts:
    """What the docker client's engine knows; nothing where none answers."""
    if not shutil.which("docker"):
        return EngineFacts()
    volumes = _output(["volume", "ls", "--quiet"])
    if volumes is None:
        return EngineFacts()
    ids = _output(["ps", "-aq", "--filter", f"label={_LABEL}.project={project_name}"]) or ""
    containers = _inspect("container", ids.split())
    mounted = []
    for container in containers:
        for mount in listed(container.get("Mounts")):
            words = mapping(mount)
            if words.get("Type") == "volume":
                mounted.append((_service(container), text_of(words["Destination"]), text_of(words["Name"])))
    running = [c for c in containers if mapping(c.get("State")).get("Running")]
    images = [(ref, _inspect("image", [ref])) for ref in dict.fromkeys(references)][:_LIMIT]
    return EngineFacts(
        True,
        frozenset(volumes.split()),
        tuple(sorted((_service(c), text_of(c.get("Name")).lstrip("/")) for c in running)),
        tuple(sorted(mounted)),
        tuple(
            (ref, tuple(sorted(mapping(mapping(image.get("Config")).get("Volumes")))))
            for ref, found in images
            for image in found[:1]
        ),
    )


def _service(container: dict[str, object]) -> str:
    labels = mapping(mapping(container.get("Config")).get("Labels"))
    return text_of(labels.get(f"{_LABEL}.service"))


def _inspect(kind: str, names: Sequence[str]) -> list[dict[str, object]]:
    if not names:
        return []
    found = _output([kind, "inspect", "--", *names[:_LIMIT]])
    try:
        return [mapping(item) for item in json.loads(found or "[]")]
    except ValueError:
        return []


def _output(words: list[str]) -> str | None:
    try:
        done = subprocess.run(["docker", *words], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None

"""The real Compose's reading of a folder beside ours, both in one form that can be compared."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reconciler.cli.compose_files import RepositoryFiles
from reconciler.compose.ports_form import port_key
from reconciler.compose.project import Project, read_project
from reconciler.compose.tree import mapping
from specs.model import parse_duration, parse_size

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "compose"
FILES: Mapping[str, tuple[str, ...]] = {"adminer-mysql": ("stack.yml",)}
"""Folders whose files do not bear the names that Compose looks for."""
DURATIONS = ("interval", "timeout", "start_period", "start_interval")
SIZES = ("mem_limit", "mem_reservation", "shm_size", "memswap_limit")


def corpus_names() -> list[str]:
    return sorted(path.name for path in CORPUS.iterdir() if path.is_dir())


def copy_corpus(name: str, folder: Path) -> Path:
    """A corpus project in a folder of its own."""
    return Path(shutil.copytree(CORPUS / name, folder / name))


def read_ours(root: Path, name: str) -> Project:
    project = read_project(RepositoryFiles(root), root.name, FILES.get(name, ()))
    assert project is not None
    return project


def read_theirs(docker: str, root: Path, name: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """``docker compose config`` with an empty environment of its own."""
    words = [part for path in FILES.get(name, ()) for part in ("-f", path)]
    command = [docker, "compose", *words, "--profile", "*", "config", "--format", "json"]
    kept = {name: environment[name] for name in ("DOCKER_CONFIG",) if name in environment}
    done = subprocess.run(
        command,
        cwd=root,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **kept},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if done.returncode:
        raise ValueError(done.stderr.strip())
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def compare(ours: Project, theirs: Mapping[str, Any], root: Path) -> list[str]:
    """What differs between the two readings, a line each."""
    lines = [] if ours.name == theirs["name"] else [f"name: {ours.name} {theirs['name']}"]
    lines += _differ("services", set(ours.services), set(theirs["services"]))
    for name, service in theirs["services"].items():
        if name in ours.services:
            mine = our_form(ours, ours.services[name])
            other = their_form(service, root)
            for word in sorted(set(mine) | set(other)):
                lines += _differ(f"{name}.{word}", mine.get(word), other.get(word))
    for kind in ("volumes", "configs", "secrets"):  # Compose leaves out what no service uses.
        lines += _differ(kind, set(theirs.get(kind) or {}) - set(ours.resources[kind]), set())
    return lines


def _differ(where: str, ours: object, theirs: object) -> list[str]:
    return [] if ours == theirs else [f"{where}:\n    ours   {ours!r}\n    theirs {theirs!r}"]


def our_form(project: Project, service: Mapping[str, Any]) -> dict[str, Any]:
    """One of our services as Compose would print it, in the comparable form."""
    flat = _flat(project, service)
    values: dict[str, Any] = {}
    for item in flat.pop("env_file", []):
        values.update(item["values"] or {})
    values.update(flat.get("environment") or {})
    flat["environment"] = values
    return _form(flat)


def _flat(project: Project, value: Any) -> Any:
    if isinstance(value, str):
        return project.marks.value(value)
    if isinstance(value, dict):
        return {key: _flat(project, part) for key, part in value.items()}
    return [_flat(project, part) for part in value] if isinstance(value, list) else value


def their_form(service: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """A service that Compose printed, its absolute paths relative again, its lists as our maps."""
    found = json.loads(json.dumps(service).replace(f"{root}/", "./").replace(f'"{root}"', '"."'))
    found["ports"] = {str(number): port for number, port in enumerate(found.get("ports") or [])}
    found["volumes"] = {mount["target"]: mount for mount in found.get("volumes") or []}
    for kind, folder in (("configs", "/"), ("secrets", "/run/secrets/")):
        uses = found.get(kind) or []
        found[kind] = {_target(use, folder): use for use in uses}
    found["networks"] = {name: part or {} for name, part in (found.get("networks") or {}).items()}
    found["extra_hosts"] = {
        part.partition("=")[0]: part.partition("=")[2].strip("[]") for part in found.get("extra_hosts") or []
    }
    for name, value in (found.get("environment") or {}).items():
        found["environment"][name] = value.replace("$$", "$") if isinstance(value, str) else value
    return _form(found)


def _target(use: Mapping[str, str], folder: str) -> str:
    target = use.get("target") or use["source"]
    return target if target.startswith("/") else folder + target


def _form(service: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for word, value in service.items():
        if word in ("env_file", "extends", "develop", "attach") or value in (None, "", {}, []):
            continue
        found[word] = _FORMS[word](value) if word in _FORMS else _plain(word, value)
    return {word: value for word, value in found.items() if value not in (None, {}, [])}


def _plain(word: str, value: Any) -> Any:
    if word in SIZES:
        return parse_size(int(value) if str(value).isdecimal() else str(value))
    if word in ("command", "entrypoint"):
        return [part.replace("$$", "$") for part in value]
    if isinstance(value, dict):
        return {key: _scalar(part) for key, part in value.items()}
    return [_scalar(part) for part in value] if isinstance(value, list) else _scalar(value)


def _scalar(value: Any) -> Any:
    """Numbers and booleans as text: interpolation leaves text where Compose casts."""
    if isinstance(value, dict):
        return {key: _scalar(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_scalar(part) for part in value]
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text.replace("$$", "$")


def _ports(ports: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return sorted(port_key({"protocol": "tcp", **port}) for port in ports.values())


def _volumes(mounts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {
        target.rstrip("/"): (m["type"], m.get("source"), bool(m.get("read_only")))
        for target, m in mounts.items()
    }


def _files(uses: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {
        target: (use["source"], use.get("uid"), use.get("gid"), _mode(use.get("mode")))
        for target, use in uses.items()
    }


def _mode(mode: object) -> str | None:
    return None if mode is None else f"0{mode:o}" if isinstance(mode, int) else str(mode)


def _health(check: Mapping[str, Any]) -> dict[str, Any]:
    return {
        word: parse_duration(str(value)) if word in DURATIONS else _plain(word, value)
        for word, value in check.items()
        if value is not False
    }


def _build(build: Mapping[str, Any]) -> dict[str, Any]:
    context = str(build["context"])
    return {
        "context": context if context == "." or "://" in context else f"./{context.removeprefix('./')}",
        "dockerfile": build.get("dockerfile", "Dockerfile"),
        **{word: build[word] for word in ("args", "target") if build.get(word)},
    }


def _deploy(deploy: Mapping[str, Any]) -> dict[str, Any]:
    found = {word: _scalar(value) for word, value in deploy.items() if value not in (None, {}, [])}
    for group in ("limits", "reservations"):
        bounds = dict(mapping(mapping(deploy.get("resources")).get(group)))
        if "memory" in bounds:
            bounds["memory"] = str(parse_size(bounds["memory"]))
        if "cpus" in bounds:
            bounds["cpus"] = str(float(str(bounds["cpus"])))
        if bounds:
            found["resources"] = {**found["resources"], group: _scalar(bounds)}
    found.pop("placement", None)
    return found


def _networks(networks: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    found = {name: {w: v for w, v in part.items() if v} for name, part in networks.items()}
    return {} if found == {"default": {}} else found


_FORMS: dict[str, Any] = {
    "ports": _ports,
    "devices": lambda devices: [d if isinstance(d, str) else f"{d['source']}:{d['target']}" for d in devices],
    "volumes": _volumes,
    "configs": _files,
    "secrets": _files,
    "healthcheck": _health,
    "build": _build,
    "deploy": _deploy,
    "networks": _networks,
    "environment": lambda values: {name: value for name, value in values.items() if value is not None},
    "stop_grace_period": lambda value: parse_duration(str(value)),
    "cpus": lambda value: float(value),
    "depends_on": lambda value: {
        name: {**{w: _scalar(v) for w, v in part.items()}, "required": _scalar(part.get("required", True))}
        for name, part in value.items()
    },
}
__all__: Sequence[str] = (
    "CORPUS",
    "FILES",
    "compare",
    "copy_corpus",
    "corpus_names",
    "read_ours",
    "read_theirs",
)

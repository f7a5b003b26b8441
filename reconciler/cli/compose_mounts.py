"""Compose's volumes, networks, configs and secrets as documents of ours."""

from __future__ import annotations

import posixpath
from collections.abc import Collection

from reconciler.cli.compose_read import Compose, Tree, mapping
from reconciler.cli.compose_secret import name_of
from reconciler.cli.scaffold import Draft, JsonObject
from reconciler.desired import Json

RESOURCES = "resources.yaml"


def relative_path(text: str) -> str | None:
    """A path below the repository's root in its plain form; None when it leaves the repository."""
    path = posixpath.normpath(text)
    return None if path.startswith(("/", "..", "~")) else path


def convert_volumes(service_name: str, value: object, draft: Draft) -> tuple[list[Json], list[Json]]:
    """The service's mounts, and the configs that stand for relative bind mounts."""
    mounts: list[Json] = []
    configs: list[Json] = []
    for item in value if isinstance(value, list) else []:
        mount = mapping(item) if isinstance(item, dict) else _split(str(item))
        source, target = str(mount.get("source") or ""), str(mount.get("target") or "")
        if mount.get("type") == "tmpfs":
            mounts.append({"type": "tmpfs", "target": target})
        elif source.startswith(("./", "../", "~")) or source == ".":
            configs += _convert_bind(service_name, source, target, draft)
        elif source.startswith("/"):
            mounts.append(_host_mount(service_name, source, mount, draft))
        else:
            mounts.append(_volume_mount(service_name, source, mount, draft))
    return mounts, configs


def _split(text: str) -> Tree:
    """``source:target:options``; a path alone is an anonymous volume."""
    parts = text.split(":")
    if len(parts) == 1:
        return {"target": parts[0]}
    options = parts[2].split(",") if len(parts) > 2 else []
    return {"source": parts[0], "target": parts[1], "read_only": "ro" in options}


def _convert_bind(service_name: str, source: str, target: str, draft: Draft) -> list[Json]:
    path = relative_path(source)
    if path is None or path == ".":
        draft.note(
            f"{service_name}: the mount of {source} at {target} is not carried over: copy it into the image"
        )
        return []
    config = name_of(path)
    draft.add(RESOURCES, "Config", config, {"file": path})
    draft.note(
        f"{service_name}: {source} at {target} is now the Config {config}: its content from git, read-only"
    )
    return [{"source": config, "target": target}]


def _host_mount(service_name: str, source: str, mount: Tree, draft: Draft) -> JsonObject:
    if source not in draft.allow_host_mounts:
        draft.allow_host_mounts.append(source)
    draft.note(f"{service_name}: mounts {source} of the host: the environment's allow names it")
    return _mount("bind", source, mount)


def _volume_mount(service_name: str, source: str, mount: Tree, draft: Draft) -> JsonObject:
    if source:
        return _mount("volume", name_of(source), mount)
    volume = name_of(f"{service_name}-{mount.get('target')}")
    draft.add(f"{service_name}.yaml", "Volume", volume, {})
    draft.note(f"{service_name}: the volume without a name at {mount.get('target')} is now {volume}")
    return _mount("volume", volume, mount)


def _mount(kind: str, source: str, mount: Tree) -> JsonObject:
    found: JsonObject = {"type": kind, "source": source, "target": str(mount.get("target") or "")}
    return {**found, "read_only": True} if mount.get("read_only") else found


def convert_resources(
    compose: Compose, existing_volumes: Collection[str], project: str, draft: Draft
) -> None:
    """The top-level volumes, networks, configs and secrets. A volume that Compose made is kept as it is."""
    for name, spec in compose.resources["volumes"].items():
        draft.add(RESOURCES, "Volume", name_of(name), _volume(name, spec, existing_volumes, project, draft))
    for name, spec in compose.resources["networks"].items():
        if name != "default":
            draft.add(RESOURCES, "Network", name_of(name), _chosen(f"network {name}", spec, _NETWORK, draft))
    for name, spec in compose.resources["configs"].items():
        _add_config(name, spec, draft)
    for name in compose.resources["secrets"]:
        draft.add(RESOURCES, "Secret", name_of(name), {})
        draft.note(f"secret {name}: its value is looked up outside git, by its name")


_NETWORK = ("driver", "driver_opts", "internal", "external", "name")
_VOLUME = ("driver", "driver_opts", "external", "name")


def _volume(name: str, spec: Tree, existing: Collection[str], project: str, draft: Draft) -> JsonObject:
    object_name = str(spec.get("name") or f"{project}_{name}")
    if not spec.get("external") and object_name in existing:
        draft.note(f"volume {name}: keeps the data that Compose left in {object_name}")
        return {"external": True, "name": object_name}
    return _chosen(f"volume {name}", spec, _VOLUME, draft)


def _chosen(subject: str, spec: Tree, words: tuple[str, ...], draft: Draft) -> JsonObject:
    """The words that we know; a name of its own belongs to external objects only."""
    external = bool(spec.get("external"))
    found: JsonObject = {}
    for word, value in spec.items():
        if word in words and (word != "name" or external):
            found[word] = _plain(value)
        elif value is not None and not word.startswith("x-"):
            draft.note(f"{subject}: {word} is not carried over")
    return found


def _plain(value: object) -> Json:
    if isinstance(value, dict):
        return {str(key): str(part) for key, part in value.items()}
    return value if isinstance(value, (bool, int)) else str(value)


def _add_config(name: str, spec: Tree, draft: Draft) -> None:
    path = relative_path(str(spec.get("file") or "/"))
    if path is not None:
        draft.add(RESOURCES, "Config", name_of(name), {"file": path})
    elif isinstance(spec.get("content"), str):
        draft.add(RESOURCES, "Config", name_of(name), {"content": str(spec["content"])})
    else:
        draft.note(f"config {name}: only file and content are carried over: write it into {RESOURCES}")

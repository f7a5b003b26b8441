"""``volumes``: volumes kept, files from git as Configs, data as Volumes, host paths."""

from __future__ import annotations

import posixpath

from reconciler.compose.passwords import name_of
from reconciler.compose.tree import JsonObject, Tree, as_json, listed, mapping, text_of
from reconciler.compose.work import Conversion, ServiceWork
from reconciler.desired import Json
from reconciler.ownership import volume_name

RESOURCES_FILE = "resources.yaml"
_PLACEHOLDERS = {".gitkeep", ".gitignore", ".keep", ".empty"}
_OUTSIDE = ("../", "~")


def convert_mounts(work: ServiceWork) -> None:
    """The mounts of a service, those that it takes from others included."""
    mounts: list[Json] = []
    for item in [*_taken(work), *mapping(work.service.get("volumes")).values()]:
        mount = mapping(item)
        source = text_of(mount.get("source"))
        if mount["type"] == "tmpfs":
            mounts.append(_tmpfs(mount))
        elif mount["type"] == "bind" and source.startswith("/"):
            mounts.append(_host_mount(work, mount))
        elif mount["type"] == "bind":
            mounts += _relative(work, mount)
        elif mount["type"] == "volume":
            mounts.append(_volume(work, mount))
        else:
            work.note("dropped", f"a mount of type {mount['type']} at {mount['target']} is not carried over")
    if mounts:
        work.spec["volumes"] = mounts


def _taken(work: ServiceWork) -> list[object]:
    """The mounts of the services that ``volumes_from`` names."""
    found: list[object] = []
    for item in listed(work.service.get("volumes_from")):
        other, _, mode = text_of(item).partition(":")
        if other == "container" or other not in work.whole.project.services:
            work.note("dropped", f"volumes_from {text_of(item)} is not carried over: name the Volume instead")
            continue
        mounts = mapping(work.whole.project.services[other].get("volumes")).values()
        found += [{**mapping(mount), **({"read_only": True} if mode == "ro" else {})} for mount in mounts]
    return found


def _tmpfs(mount: Tree) -> JsonObject:
    options = mapping(mount.get("tmpfs"))
    found: JsonObject = {"type": "tmpfs", "target": text_of(mount["target"])}
    inner: JsonObject = {}
    if options.get("size"):
        inner["size"] = as_json(options["size"])
    if isinstance(options.get("mode"), int):
        inner["mode"] = f"0o{options['mode']:o}"
    return {**found, "tmpfs": inner} if inner else found


def _mount(kind: str, source: str, mount: Tree) -> JsonObject:
    found: JsonObject = {"type": kind, "source": source, "target": text_of(mount["target"])}
    if mount.get("read_only"):
        found["read_only"] = True
    options = mapping(mount.get(kind))
    kept = {w: as_json(v) for w, v in options.items() if w in ("nocopy", "subpath", "propagation") and v}
    return {**found, kind: kept} if kept else found


def _host_mount(work: ServiceWork, mount: Tree) -> JsonObject:
    source = posixpath.normpath(text_of(mount["source"]))
    if source not in ("/etc/localtime", "/etc/timezone") or not mount.get("read_only"):
        work.note("host", f"mounts {source} of the host: the environment's allow.host_mounts names it")
    return _mount("bind", source, mount)


def _volume(work: ServiceWork, mount: Tree) -> JsonObject:
    source = text_of(mount.get("source"))
    if source:
        add_volume(work.whole, source)
        return _mount("volume", name_of(source), mount)
    target = text_of(mount["target"])
    name = keep_unnamed(work, target)
    work.note("volume", f"the volume without a name at {target} is now {name}")
    return _mount("volume", name, mount)


def keep_unnamed(work: ServiceWork, target: str) -> str:
    """A Volume for a path that had one without a name; the engine's own where Compose made one."""
    name = name_of(f"{work.name}-{target}")
    spec: JsonObject = {}
    for service, at, object_name in work.whole.engine.mounted:
        if (service, at) == (work.compose_name, target):
            spec = {"external": True, "name": object_name}
            work.note("data", f"{target} keeps the data of volume {object_name}")
    work.whole.draft.add(f"{work.name}.yaml", "Volume", name, spec)
    return name


def add_volume(whole: Conversion, name: str) -> None:
    """The Volume document of a named volume."""
    spec = mapping(whole.project.resources["volumes"].get(name))
    draft, our_name = whole.draft, name_of(name)
    if our_name in draft.of_kind("Volume"):
        return
    object_name = text_of(spec.get("name") or f"{whole.project.name}_{name}")
    found: JsonObject = {}
    if spec.get("external"):
        found = {"external": True, "name": text_of(spec.get("name") or name)}
    elif object_name in whole.engine.volumes:
        found = {"external": True, "name": object_name}
        draft.note("data", f"volume {our_name}", f"keeps the data that Compose left in {object_name}")
    else:
        for word, value in spec.items():
            if word in ("driver", "driver_opts", "labels") and value:
                found[word] = whole.json(value)
            elif word == "name":
                draft.note(
                    "renamed", f"volume {our_name}", f"is not named {object_name} any more: see Volume"
                )
        if not whole.engine.reached:
            line = f"if Compose left data in {object_name}, write {{external: true, name: {object_name}}}"
            draft.note("data", f"volume {our_name}", line)
    draft.add(RESOURCES_FILE, "Volume", our_name, found)


def _relative(work: ServiceWork, mount: Tree) -> list[Json]:
    """A mount of a path of the repository: a Config, a Volume, or a line that says why neither."""
    source, target = text_of(mount["source"]), text_of(mount["target"])
    path = source.removeprefix("./")
    if source.startswith(_OUTSIDE) or source == "..":
        return _left(work, mount, "it lies outside of this repository")
    if source == ".":
        return _left(work, mount, "the image holds its own copy of the repository")
    kept = work.whole.files.kept()
    below = [name.removeprefix(f"{path}/") for name in kept if name.startswith(f"{path}/")]
    written = [name for name in below if posixpath.basename(name) not in _PLACEHOLDERS]
    if path in kept or (written and (mount.get("read_only") or not _is_data(target))):
        _add_config(work, path, mount, is_folder=path not in kept)
        return []
    if mount.get("read_only"):
        return _left(work, mount, "git does not track it: commit it, or mount an absolute path of the host")
    ending = posixpath.splitext(path)[1]
    if not below and ending not in ("", ".d") and ending == posixpath.splitext(target)[1]:
        return _left(work, mount, "it is a file that git does not track: commit it, or write to a Volume")
    return [_data(work, path, mount)]


def _left(work: ServiceWork, mount: Tree, reason: str) -> list[Json]:
    work.note("dropped", f"the mount of {mount['source']} at {mount['target']} is left out: {reason}")
    return []


def _is_data(target: str) -> bool:
    """Whether programs by convention write what lies there."""
    return target.startswith(("/var/lib/", "/data", "/var/log/"))


def _add_config(work: ServiceWork, path: str, mount: Tree, is_folder: bool) -> None:
    name, target = name_of(path), text_of(mount["target"])
    work.whole.draft.add(RESOURCES_FILE, "Config", name, {"file": path})
    configs = work.spec.setdefault("configs", [])
    if isinstance(configs, list):
        configs.append({"source": name, "target": target})
    if not mount.get("read_only"):
        what = "the files" if is_folder else "the file"
        way = "; where a program writes there, mount a Volume instead" if is_folder else ""
        work.note("config", f"./{path} at {target} is now Config {name}: {what} from git, read-only{way}")
    else:
        work.note("config", f"./{path} at {target} is now Config {name}: its content from git")


def _data(work: ServiceWork, path: str, mount: Tree) -> JsonObject:
    name = name_of(path)
    work.whole.draft.add(RESOURCES_FILE, "Volume", name, {})
    object_name = volume_name(work.whole.owner, name)
    copy = f'docker run --rm -v "$PWD/{path}:/from:ro" -v {object_name}:/to busybox cp -a /from/. /to/'
    work.note(
        "volume",
        f"./{path} at {mount['target']} holds data, not files of git: now Volume {name}; copy: {copy}",
    )
    return _mount("volume", name, {**mount, "volume": None})

"""Mounts, both ways: what a create call says of them, and what an inspect says. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from providers.docker.labels import object_labels
from providers.docker.privilege_shapes import mount_extras
from providers.docker.tree import Node, branch, flag, nodes, text, whole
from reconciler.actions import Blueprint
from reconciler.desired import FilesUse, Json, MountUse, ServiceForm
from reconciler.ownership import Owner
from reconciler.secret_volume import volume_of

COMPANIONS = "/.reconciler"
"""Where the volume of a single-file Config is mounted as well, so that the engine knows it is in use."""
ANONYMOUS = re.compile(r"[0-9a-f]{64}")
"""Names that the engine gives to volumes without one."""


def mount_payloads(owner: Owner, form: ServiceForm, mountpoints: Mapping[str, str]) -> list[Json]:
    """``HostConfig.Mounts``. ``mountpoints`` maps the volume of each single-file Config to its path on
    the host."""
    own = [use for use in form.mounts if use.target not in form.spec.tmpfs]
    found: list[Json] = [_mount(owner, use) for use in sorted(own, key=lambda use: use.target)]
    for use in sorted(form.files, key=lambda use: use.target):
        if use.file is None:
            found.append(_files(owner, use, use.target))
        else:
            source = f"{mountpoints[use.volume]}/{use.file}"
            found.append({"Type": "bind", "Source": source, "Target": use.target, "ReadOnly": True})
    companions = {use.volume: use for use in form.files if use.file is not None}
    found += [_files(owner, companions[name], f"{COMPANIONS}/{name}") for name in sorted(companions)]
    return found


def secret_mounts(blueprint: Blueprint, mountpoints: Mapping[str, str]) -> list[Json]:
    """The secret files of an instance that lie in a volume, each at its path, and the volume itself, so that
    the engine knows it is in use; none where they are copied into the container."""
    volume = volume_of(blueprint)
    if volume is None:
        return []
    found: list[Json] = [
        {"Type": "bind", "Source": f"{mountpoints[volume]}/{place}", "Target": use.target, "ReadOnly": True}
        for place, use in enumerate(blueprint.form.secrets)
    ]
    return [*found, _companion(blueprint.owner, volume, "secret", f"{COMPANIONS}/{volume}")]


def _mount(owner: Owner, use: MountUse) -> dict[str, Json]:
    mount: dict[str, Json] = {"Type": use.type, "Target": use.target, "ReadOnly": use.read_only}
    if use.type == "discard":
        mount["Type"] = "volume"
    elif use.type != "tmpfs":
        mount["Source"] = use.object_name
    if use.type == "volume" and not use.external:
        mount["VolumeOptions"] = {"Labels": dict(object_labels(owner, use.name, "data"))}
    options: dict[str, Json] = {}
    if use.nocopy:
        options["NoCopy"] = True
    if use.subpath is not None:
        options["Subpath"] = use.subpath
    if options:
        mount["VolumeOptions"] = {**branch(mount, "VolumeOptions"), **options}
    if use.propagation is not None:
        mount["BindOptions"] = {"Propagation": use.propagation}
    if use.type == "tmpfs" and (use.size or use.mode is not None):
        mount["TmpfsOptions"] = {"SizeBytes": use.size or 0, "Mode": use.mode or 0}
    return mount


def _files(owner: Owner, use: FilesUse, target: str) -> dict[str, Json]:
    return _companion(owner, use.volume, "files", target)


def _companion(owner: Owner, volume: str, role: str, target: str) -> dict[str, Json]:
    labels = dict(object_labels(owner, volume, role))
    options: dict[str, Json] = {"NoCopy": True, "Labels": dict(labels)}
    return {
        "Type": "volume",
        "Source": volume,
        "Target": target,
        "ReadOnly": True,
        "VolumeOptions": options,
    }


@dataclass(frozen=True, slots=True)
class LiveMounts:
    """The mounts of a live container: fields by path, and the volumes that it uses."""

    fields: Mapping[str, Json]
    volumes: tuple[str, ...]


def live_mounts(owner: Owner, container: Node) -> LiveMounts:
    """Read the mounts of an inspected container."""
    mounts = nodes(container, "Mounts")
    written = nodes(container, "HostConfig", "Mounts")
    named = {text(mount, "Source") for mount in written}
    said = {text(mount, "Target"): mount for mount in written}
    fields: dict[str, Json] = {}
    for mount in mounts:
        target = text(mount, "Destination")
        if target.startswith(f"{COMPANIONS}/"):
            continue
        files = _files_volume(owner, mount, mounts)
        if files.startswith(f"{owner.prefix}secret_"):
            continue  # what a secret holds, and where it lies, is nobody's to see
        if files:
            fields[f"configs.{target}"] = files
        else:
            fields[f"volumes.{target}"] = _fields(mount, named, said.get(target, {}))
    volumes = {text(mount, "Name") for mount in mounts if text(mount, "Type") == "volume"}
    return LiveMounts(fields, tuple(sorted(volumes - {""})))


def _files_volume(owner: Owner, mount: Node, mounts: Sequence[Node]) -> str:
    prefix = f"{owner.prefix}files_"
    if text(mount, "Type") == "volume":
        name = text(mount, "Name")
        return name if name.startswith(prefix) else ""
    source = text(mount, "Source")
    companions = (m for m in mounts if text(m, "Destination").startswith(f"{COMPANIONS}/"))
    return next((text(m, "Name") for m in companions if source.startswith(text(m, "Source") + "/")), "")


def _fields(mount: Node, named: set[str], written: Node) -> dict[str, Json]:
    kind, read_only = text(mount, "Type"), not flag(mount, "RW")
    if kind == "tmpfs":
        memory = branch(written, "TmpfsOptions")
        bounds = {"size": whole(memory, "SizeBytes"), "mode": whole(memory, "Mode")}
        said: dict[str, Json] = {name: value for name, value in bounds.items() if value}
        return {"type": "tmpfs", "source": None, "read_only": read_only, **said}
    name = text(mount, "Name") if kind == "volume" else text(mount, "Source")
    if kind == "volume" and ANONYMOUS.fullmatch(name) and name not in named:
        return {"type": "discard", "source": None, "read_only": read_only}
    return {"type": kind, "source": name, "read_only": read_only, **mount_extras(written)}

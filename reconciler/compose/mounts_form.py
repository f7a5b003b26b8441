"""Compose's short and long volumes, configs and secrets -> maps keyed by the path in the container."""

from __future__ import annotations

import posixpath

from reconciler.compose.places import located
from reconciler.compose.tree import ComposeError, Tree, as_bool, mapping, text_of

_PROPAGATION = ("rprivate", "private", "rshared", "shared", "rslave", "slave")


def read_mounts(value: object, folder: str, where: str) -> Tree:
    """Volumes by target; relative sources are paths from the repository's root that begin with ``./``."""
    found: Tree = {}
    for item in value if isinstance(value, list) else []:
        mount = _long(mapping(item)) if isinstance(item, dict) else _short(text_of(item), where)
        source = text_of(mount.get("source"))
        if mount["type"] == "bind":
            mount["source"] = relative(folder, source)
        target = posixpath.normpath(text_of(mount.get("target")) or "/")
        if not target.startswith("/"):
            raise ComposeError(f"{where}: a target in the container that is no absolute path")
        mount["target"] = target
        found[target] = mount
    return found


def relative(folder: str, path: str) -> str:
    """A path from the root as ``./path``; what lies outside stays ``/…``, ``~…`` or ``../…``."""
    place = located(folder, path)
    return place if place.startswith(("/", "~", "../")) or place in (".", "..") else f"./{place}"


def _long(item: Tree) -> Tree:
    mount: Tree = {"type": text_of(item.get("type") or "volume"), "target": text_of(item.get("target"))}
    if item.get("source") not in (None, ""):
        mount["source"] = text_of(item["source"])
    if as_bool(item.get("read_only")):
        mount["read_only"] = True
    for word in ("bind", "volume", "tmpfs"):
        options = {key: part for key, part in mapping(item.get(word)).items() if part is not None}
        if options:
            mount[word] = options
    return mount


def _short(text: str, where: str) -> Tree:
    """``source:target:options``; a path alone is a volume without a name."""
    parts = text.split(":")
    if len(parts) == 1:
        return {"type": "volume", "target": parts[0]}
    if len(parts) > 3 or not parts[0] or not parts[1]:
        raise ComposeError(f"{where}: a volume that cannot be read")
    is_path = parts[0].startswith((".", "/", "~"))
    mount: Tree = {"type": "bind" if is_path else "volume", "source": parts[0], "target": parts[1]}
    for option in parts[2].split(",") if len(parts) == 3 else []:
        if option == "ro":
            mount["read_only"] = True
        elif option in _PROPAGATION:
            mount["bind"] = {"propagation": option}
        elif option == "nocopy":
            mount["volume"] = {"nocopy": True}
        elif option in ("z", "Z"):
            mount["bind"] = {**mapping(mount.get("bind")), "selinux": option}
    return mount


def read_files(value: object, folder: str) -> Tree:
    """Configs or secrets by their absolute target; ``folder`` is where Compose puts those without one."""
    found: Tree = {}
    for item in value if isinstance(value, list) else []:
        words = mapping(item) if isinstance(item, dict) else {"source": text_of(item)}
        source = text_of(words.get("source"))
        target = text_of(words.get("target") or source)
        use: Tree = {"source": source, "target": target if target.startswith("/") else folder + target}
        for word in ("uid", "gid"):
            if words.get(word) is not None:
                use[word] = text_of(words[word])
        if words.get("mode") is not None:
            mode = words["mode"]
            use["mode"] = f"0{mode:o}" if isinstance(mode, int) else text_of(mode)
        found[text_of(use["target"])] = use
    return found

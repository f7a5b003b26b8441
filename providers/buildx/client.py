"""A docker client folder made for one build: the logins that it needs, and the plugin; nothing else."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from reconciler.provider import Login
from specs.reference import DEFAULT_HOST

_DOCKER_HUB = "https://index.docker.io/v1/"
_PLUGIN = "docker-buildx"
_SYSTEM_FOLDERS = (
    "/usr/local/lib/docker/cli-plugins",
    "/usr/local/libexec/docker/cli-plugins",
    "/usr/lib/docker/cli-plugins",
    "/usr/libexec/docker/cli-plugins",
)


def write_client(
    folder: Path, hosts: Iterable[str], logins: Mapping[str, Login], user_folder: Path | None
) -> None:
    """Write ``config.json`` with what ``hosts`` need, and link the plugin.

    A login of ``logins`` wins over what the user's own ``config.json`` in ``user_folder`` says of a host.
    """
    folder.mkdir(mode=0o700)
    own = _read(user_folder / "config.json") if user_folder else {}
    auths: dict[str, object] = {}
    helpers: dict[str, str] = {}
    for host in sorted(set(hosts)):
        key = _DOCKER_HUB if host == DEFAULT_HOST else host
        if login := logins.get(host):
            auths[key] = {"auth": base64.b64encode(f"{login.username}:{login.password}".encode()).decode()}
        elif helper := _text(own, "credHelpers", key) or _store(own, key):
            helpers[key] = helper
        elif isinstance(given := _members(own, "auths").get(key), dict) and given:
            auths[key] = given
    path = folder / "config.json"
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({"auths": auths, "credHelpers": helpers}, file)
    if plugin := find_plugin(user_folder):
        (folder / "cli-plugins").mkdir()
        (folder / "cli-plugins" / _PLUGIN).symlink_to(plugin)


def find_plugin(user_folder: Path | None) -> Path | None:
    """The buildx plugin where the docker client looks for it."""
    own = (str(user_folder / "cli-plugins"),) if user_folder else ()
    for folder in (*own, *_SYSTEM_FOLDERS):
        path = Path(folder) / _PLUGIN
        if os.access(path, os.X_OK):
            return path.resolve()
    return None


def _read(path: Path) -> Mapping[str, object]:
    try:
        loaded = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return loaded if isinstance(loaded, dict) else {}


def _members(config: Mapping[str, object], name: str) -> Mapping[str, object]:
    members = config.get(name)
    return members if isinstance(members, dict) else {}


def _text(config: Mapping[str, object], name: str, key: str) -> str:
    value = _members(config, name).get(key)
    return value if isinstance(value, str) else ""


def _store(config: Mapping[str, object], key: str) -> str:
    """The credential store, which holds the hosts that ``auths`` names without a value."""
    store = config.get("credsStore")
    return store if isinstance(store, str) and _members(config, "auths").get(key) == {} else ""

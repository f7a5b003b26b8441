"""What an engine would say of a container made from a create call: enough for reading it back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

IMAGE_ID = "sha256:" + "1" * 64
VOLUMES = "/var/lib/docker/volumes"


def inspect_of(name: str, body: Mapping[str, Any], image: Mapping[str, Any]) -> dict[str, Any]:
    """The inspected container. ``image`` is the Config of its image: defaults fill what the call leaves."""
    config = {key: value for key, value in body.items() if key not in ("HostConfig", "NetworkingConfig")}
    for key in ("Cmd", "User", "WorkingDir", "StopSignal"):
        config.setdefault(key, image.get(key))
    if "Entrypoint" not in config:
        config["Entrypoint"] = image.get("Entrypoint")
    config["Env"] = [*config["Env"], *image.get("Env", ())]
    config["Labels"] = {**image.get("Labels", {}), **config["Labels"]}
    config["ExposedPorts"] = {**image.get("ExposedPorts", {}), **config["ExposedPorts"]}
    config["Healthcheck"] = {**image.get("Healthcheck", {}), **config.get("Healthcheck", {})}
    host = body["HostConfig"]
    networks = body.get("NetworkingConfig", {}).get("EndpointsConfig", {})
    return {
        "Id": hashlib.sha256(name.encode()).hexdigest(),
        "Name": f"/{name}",
        "Image": IMAGE_ID,
        "Created": "2026-01-02T03:04:05.678901234Z",
        "RestartCount": 0,
        "State": {"Status": "running", "Running": True, "StartedAt": "2026-01-02T03:04:06.5Z", "ExitCode": 0},
        "Config": config,
        "HostConfig": host,
        "Mounts": [mount_of(mount) for mount in host["Mounts"]],
        "NetworkSettings": {"Networks": {key: {**value, "NetworkID": ""} for key, value in networks.items()}},
    }


def mount_of(mount: Mapping[str, Any]) -> dict[str, Any]:
    """One entry of Mounts."""
    target, kind = mount["Target"], mount["Type"]
    point = {"Type": kind, "Destination": target, "RW": not mount.get("ReadOnly"), "Source": ""}
    if kind == "bind":
        point["Source"] = mount["Source"]
    if kind == "volume":
        name = mount.get("Source") or hashlib.sha256(target.encode()).hexdigest()
        point |= {"Name": name, "Source": f"{VOLUMES}/{name}/_data"}
    return point

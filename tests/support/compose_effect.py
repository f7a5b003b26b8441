"""What a container is, as far as Compose sets it: one form for a container that Compose made and for ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_CONFIG = ("Cmd", "Entrypoint", "User", "WorkingDir", "StopSignal", "StopTimeout", "Tty", "OpenStdin")
_HOST = (
    *("NanoCpus", "Memory", "MemoryReservation", "MemorySwap", "PidsLimit", "ShmSize", "CpuShares"),
    *("CpusetCpus", "OomScoreAdj", "ReadonlyRootfs", "Privileged", "Init", "PortBindings", "RestartPolicy"),
    *("IpcMode", "PidMode", "UTSMode", "CgroupnsMode", "LogConfig", "Sysctls", "NetworkMode"),
)
_SETS = ("CapAdd", "CapDrop", "SecurityOpt", "GroupAdd", "ExtraHosts", "Dns", "DnsOptions", "DnsSearch")
_OURS = ("reconciler.", "com.docker.compose", "e2e")


def effect(container: Mapping[str, Any], service_name: str) -> dict[str, Any]:
    """Everything of an inspected container that a Compose file can set, whoever made it."""
    config, host = container["Config"], container["HostConfig"]
    found: dict[str, Any] = {word: config.get(word) or None for word in _CONFIG}
    found |= {word: host.get(word) or None for word in _HOST}
    found |= {word: sorted(host.get(word) or ()) for word in _SETS}
    found["SecurityOpt"] = [option.replace(":", "=", 1) for option in found["SecurityOpt"]]
    found["Env"] = sorted(config.get("Env") or ())
    found["Labels"] = {n: v for n, v in (config.get("Labels") or {}).items() if not n.startswith(_OURS)}
    found["Healthcheck"] = config.get("Healthcheck")
    found["ExposedPorts"] = sorted(port for port in config.get("ExposedPorts") or () if "/" in port)
    found["Hostname"] = None if config["Hostname"] == container["Id"][:12] else config["Hostname"]
    found["Domainname"] = config.get("Domainname") or None
    found["Ulimits"] = sorted((u["Name"], u["Soft"], u["Hard"]) for u in host.get("Ulimits") or ())
    found["Devices"] = sorted(d["PathOnHost"] for d in host.get("Devices") or ())
    found["Tmpfs"] = sorted(_tmpfs(container))
    found["Mounts"] = sorted(_mounts(container))
    found["Aliases"] = _aliases(container, service_name)
    if found["NetworkMode"] not in ("host", "none"):
        found["NetworkMode"] = "a network"  # Compose writes its name, we attach by the endpoint alone.
    return found


def _tmpfs(container: Mapping[str, Any]) -> list[str]:
    long = [m["Target"] for m in container["HostConfig"].get("Mounts") or () if m["Type"] == "tmpfs"]
    return [*(container["HostConfig"].get("Tmpfs") or ()), *long]


def _mounts(container: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """Where a volume or a host path is mounted, and whether it can be written. Files from git are volumes of
    ours, and bind mounts or copies of Compose: their content is compared by reading it."""
    return [
        (mount["Destination"], mount["RW"])
        for mount in container["Mounts"]
        if mount["Type"] != "tmpfs" and mount["RW"]
    ]


def _aliases(container: Mapping[str, Any], service_name: str) -> list[list[str]]:
    """The names in each network, without the engine's own and the container's."""
    own = {container["Id"][:12], container["Name"].lstrip("/")}
    endpoints = container["NetworkSettings"]["Networks"].values()
    return sorted(sorted({*(e.get("Aliases") or ())} - own | {service_name}) for e in endpoints)

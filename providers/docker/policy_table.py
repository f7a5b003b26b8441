"""The closed table of the policy on payloads: every field of /containers/create, in one of three classes
(contracts, section 9).

Fields are those of the API's schema, versions 1.41 and 1.45, as paths: ``[]`` is a member of a list, ``*`` a
key of a map. SAFE has a predicate, GRANTED the word of ``allow`` that must name the value, REFUSED why
nothing sends it. What stands in none of them is refused, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from providers.docker import policy_values as values
from reconciler.desired import Json


def _host(value: Json) -> str | None:
    return "host" if value == "host" else None


def _capability(value: Json) -> str | None:
    return value.removeprefix("CAP_") if isinstance(value, str) else None


def _count(value: Json) -> str | None:
    return "all" if value == -1 else str(value) if values.number(value) else None


_OWN_PROFILE: Final = values.one_of("no-new-privileges=true", "no-new-privileges=false")
_HOST: Final = "HostConfig."
_MOUNT: Final = "HostConfig.Mounts[]."
LIMITS: Final[Mapping[str, values.Test]] = {
    "CpuShares": values.number,
    "CpusetCpus": values.text,
    "Memory": values.number,
    "MemoryReservation": values.number,
    "MemorySwap": values.number,
    "NanoCpus": values.number,
    "PidsLimit": values.number,
    "RestartPolicy.Name": values.one_of("no", "always", "unless-stopped", "on-failure"),
    "RestartPolicy.MaximumRetryCount": values.number,
}
RESOURCES_REFUSED: Final = {
    **{
        f"Blkio{name}": "it names block devices of the host"
        for name in (
            "DeviceReadBps[].Path",
            "DeviceReadBps[].Rate",
            "DeviceReadIOps[].Path",
            "DeviceReadIOps[].Rate",
            "DeviceWriteBps[].Path",
            "DeviceWriteBps[].Rate",
            "DeviceWriteIOps[].Path",
            "DeviceWriteIOps[].Rate",
            "Weight",
            "WeightDevice[].Path",
            "WeightDevice[].Weight",
        )
    },
    **dict.fromkeys(
        ("CpuCount", "CpuPercent", "IOMaximumBandwidth", "IOMaximumIOps"), "Windows alone has it"
    ),
    **dict.fromkeys(("CpuPeriod", "CpuQuota"), "NanoCpus says it"),
    **dict.fromkeys(("CpuRealtimePeriod", "CpuRealtimeRuntime"), "it lets a container starve its host"),
    "CpusetMems": "no word of the language says it",
    **dict.fromkeys(("KernelMemory", "KernelMemoryTCP", "MemorySwappiness"), "cgroup v2 has none"),
    "OomKillDisable": "a process that may not be killed can hang its host",
    "DeviceRequests[].Options": "what a driver makes of it is not known",
}
ENDPOINT_SAFE: Final[Mapping[str, values.Test]] = {
    "Aliases[]": values.text,
    "IPAMConfig.IPv4Address": values.address,
    "IPAMConfig.IPv6Address": values.address,
    "IPAMConfig.LinkLocalIPs[]": values.address,
    "MacAddress": values.mac,
}
ENDPOINT_REFUSED: Final = {
    **dict.fromkeys(
        (
            "DNSNames[]",
            "EndpointID",
            "Gateway",
            "GlobalIPv6Address",
            "GlobalIPv6PrefixLen",
            "IPAddress",
            "IPPrefixLen",
            "IPv6Gateway",
            "NetworkID",
        ),
        "the engine says it, nobody else",
    ),
    "DriverOpts": "a bridge takes none",
    "Links[]": "services of one network reach one another by name",
}
_ENDPOINT: Final = "NetworkingConfig.EndpointsConfig.*."

CONTAINER_SAFE: Final[Mapping[str, values.Test]] = {
    "AttachStderr": values.flag,
    "AttachStdin": values.flag,
    "AttachStdout": values.flag,
    "Cmd[]": values.text,
    "Domainname": values.text,
    "Entrypoint[]": values.text,
    "Env[]": values.text,
    "ExposedPorts.*": values.nothing,
    "Healthcheck.Interval": values.number,
    "Healthcheck.Retries": values.number,
    "Healthcheck.StartInterval": values.number,
    "Healthcheck.StartPeriod": values.number,
    "Healthcheck.Test[]": values.text,
    "Healthcheck.Timeout": values.number,
    "Hostname": values.text,
    "Image": values.text,
    "Labels": values.texts,
    "MacAddress": values.mac,
    "OpenStdin": values.flag,
    "StdinOnce": values.flag,
    "StopSignal": values.text,
    "StopTimeout": values.number,
    "Tty": values.flag,
    "User": values.text,
    "WorkingDir": values.text,
    **{f"{_HOST}{name}": test for name, test in LIMITS.items()},
    f"{_HOST}Annotations": values.notes,
    f"{_HOST}AutoRemove": values.flag,
    f"{_HOST}CapDrop[]": values.capability,
    f"{_HOST}DnsOptions[]": values.text,
    f"{_HOST}DnsSearch[]": values.text,
    f"{_HOST}Dns[]": values.address,
    f"{_HOST}ExtraHosts[]": values.text,
    f"{_HOST}GroupAdd[]": values.text,
    f"{_HOST}Init": values.flag,
    f"{_HOST}LogConfig.Config": values.log_options,
    f"{_HOST}LogConfig.Type": values.log_driver,
    f"{_HOST}OomScoreAdj": values.at_most(0, 1000),
    f"{_HOST}PortBindings.*[].HostIp": values.address,
    f"{_HOST}PortBindings.*[].HostPort": values.text,
    f"{_HOST}ReadonlyRootfs": values.flag,
    f"{_HOST}ShmSize": values.number,
    f"{_HOST}Sysctls": values.sysctls,
    f"{_HOST}Tmpfs": values.memory,
    f"{_HOST}Ulimits[].Hard": values.number,
    f"{_HOST}Ulimits[].Name": values.ulimit,
    f"{_HOST}Ulimits[].Soft": values.number,
    f"{_HOST}DeviceRequests[].Capabilities[][]": values.text,
    f"{_HOST}DeviceRequests[].Driver": values.text,
    f"{_HOST}Devices[].CgroupPermissions": values.text,
    f"{_HOST}Devices[].PathInContainer": values.text,
    f"{_MOUNT}BindOptions.NonRecursive": values.flag,
    # With the source of a bind it is decided how far mounts may travel.
    f"{_MOUNT}BindOptions.Propagation": values.one_of(*values.PROPAGATIONS),
    f"{_MOUNT}ReadOnly": values.flag,
    f"{_MOUNT}Target": values.text,
    f"{_MOUNT}TmpfsOptions.Mode": values.number,
    f"{_MOUNT}TmpfsOptions.SizeBytes": values.number,
    f"{_MOUNT}Type": values.one_of("volume", "bind", "tmpfs"),
    f"{_MOUNT}VolumeOptions.Labels": values.texts,
    f"{_MOUNT}VolumeOptions.NoCopy": values.flag,
    f"{_MOUNT}VolumeOptions.Subpath": lambda value: isinstance(value, str) and values.subpath(value),
    **{f"{_ENDPOINT}{name}": test for name, test in ENDPOINT_SAFE.items()},
}
CONTAINER_GRANTED: Final[Mapping[str, values.Grant]] = {
    f"{_HOST}CapAdd[]": values.Grant("cap_add", values.never, _capability),
    f"{_HOST}CgroupParent": values.Grant("cgroup_parent", values.never, values.itself),
    f"{_HOST}CgroupnsMode": values.Grant("cgroup", values.one_of("private"), _host),
    f"{_HOST}DeviceCgroupRules[]": values.Grant("device_cgroup_rules", values.never, values.itself),
    f"{_HOST}DeviceRequests[].Count": values.Grant("gpus", values.one_of(0), _count),
    f"{_HOST}DeviceRequests[].DeviceIDs[]": values.Grant("gpus", values.never, values.itself),
    f"{_HOST}Devices[].PathOnHost": values.Grant("devices", values.never, values.itself),
    f"{_HOST}IpcMode": values.Grant("ipc", values.one_of("none", "private", "shareable"), _host),
    f"{_HOST}NetworkMode": values.Grant("network_mode", values.one_of("default", "none"), _host),
    f"{_HOST}PidMode": values.Grant("pid", values.never, _host),
    f"{_HOST}Privileged": values.Grant("privileged", values.one_of(False), lambda value: ""),
    f"{_HOST}SecurityOpt[]": values.Grant("security_opt", _OWN_PROFILE, values.itself),
    f"{_HOST}UTSMode": values.Grant("uts", values.never, _host),
    f"{_HOST}UsernsMode": values.Grant("userns_mode", values.never, _host),
    f"{_MOUNT}Source": values.Grant("host_mounts", values.never, values.itself),
}
CONTAINER_REFUSED: Final[Mapping[str, str]] = {
    **{f"{_HOST}{name}": why for name, why in RESOURCES_REFUSED.items()},
    **{f"{_ENDPOINT}{name}": why for name, why in ENDPOINT_REFUSED.items()},
    "ArgsEscaped": "Windows alone has it",
    "NetworkDisabled": "network_mode none says it",
    "OnBuild[]": "it belongs to builds",
    "Shell[]": "nothing is wrapped in a shell",
    "Volumes.*": "mounts say it",
    f"{_HOST}Binds[]": "mounts say it, one field at a time",
    f"{_HOST}Cgroup": "it joins the cgroup of a container by name",
    f"{_HOST}ConsoleSize[]": "it is for a terminal",
    f"{_HOST}ContainerIDFile": "it writes a file of the host",
    f"{_HOST}Isolation": "Windows alone has it",
    f"{_HOST}Links[]": "services of one network reach one another by name",
    f"{_HOST}MaskedPaths[]": "it uncovers the host's kernel settings",
    f"{_HOST}PublishAllPorts": "ports are published one by one",
    f"{_HOST}ReadonlyPaths[]": "it uncovers the host's kernel settings",
    f"{_HOST}Runtime": "it is a program of the host",
    f"{_HOST}StorageOpt": "it belongs to the engine's storage driver",
    f"{_HOST}VolumeDriver": "a plugin of the engine",
    f"{_HOST}VolumesFrom[]": "it takes the mounts of a container by name",
    f"{_MOUNT}BindOptions.CreateMountpoint": "nothing is made on the host",
    f"{_MOUNT}BindOptions.ReadOnlyForceRecursive": "no word of the language says it",
    f"{_MOUNT}BindOptions.ReadOnlyNonRecursive": "it leaves mounts below a read-only one writable",
    f"{_MOUNT}Consistency": "it has no effect here",
    f"{_MOUNT}VolumeOptions.DriverConfig.Name": "a plugin of the engine",
    f"{_MOUNT}VolumeOptions.DriverConfig.Options": "they can mount any path of the host",
}

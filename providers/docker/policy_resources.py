"""The policy's tables of the other calls: networks, volumes, and what changes or uses a container."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from providers.docker import policy_values as values
from providers.docker.policy_table import RESOURCES_REFUSED

EXEC_SAFE: Final[Mapping[str, values.Test]] = {
    "AttachStderr": values.flag,
    "AttachStdin": values.flag,
    "AttachStdout": values.flag,
    "Cmd[]": values.text,
    "Env[]": values.text,
    "Tty": values.flag,
    "User": values.text,
    "WorkingDir": values.text,
}
EXEC_REFUSED: Final[Mapping[str, str]] = {
    "ConsoleSize[]": "a call of its own says it",
    "DetachKeys": "nobody types at it",
    "Privileged": "a command gets what its container has",
}
UPDATE_REFUSED: Final[Mapping[str, str]] = {
    **RESOURCES_REFUSED,
    **dict.fromkeys(
        (
            "CgroupParent",
            "DeviceCgroupRules[]",
            "DeviceRequests[].Capabilities[][]",
            "DeviceRequests[].Count",
            "DeviceRequests[].DeviceIDs[]",
            "DeviceRequests[].Driver",
            "Devices[].CgroupPermissions",
            "Devices[].PathInContainer",
            "Devices[].PathOnHost",
            "Init",
            "Ulimits[].Hard",
            "Ulimits[].Name",
            "Ulimits[].Soft",
        ),
        "only a new container gets it",
    ),
}
NETWORK_SAFE: Final[Mapping[str, values.Test]] = {
    "Attachable": values.flag,
    "CheckDuplicate": values.flag,
    "Driver": values.one_of("bridge"),
    "EnableIPv6": values.flag,
    "IPAM.Config[].AuxiliaryAddresses": values.addresses,
    "IPAM.Config[].Gateway": values.address,
    "IPAM.Config[].IPRange": values.subnet,
    "IPAM.Config[].Subnet": values.subnet,
    "IPAM.Driver": values.one_of("default"),
    "Internal": values.flag,
    "Labels": values.texts,
    "Name": values.network_name,
    "Options": values.bridge_options,
}
NETWORK_REFUSED: Final[Mapping[str, str]] = {
    "ConfigFrom.Network": "it takes the options of a network by name",
    "ConfigOnly": "it belongs to swarms",
    "IPAM.Options": "they belong to plugins",
    "Ingress": "it belongs to swarms",
    "Scope": "it belongs to swarms",
}
VOLUME_SAFE: Final[Mapping[str, values.Test]] = {
    "Driver": values.one_of("local"),
    "Labels": values.texts,
    "Name": values.object_name,
}
VOLUME_GRANTED: Final[Mapping[str, values.Grant]] = {
    "DriverOpts": values.Grant("host_mounts", values.never, values.itself)
}
VOLUME_REFUSED: Final[Mapping[str, str]] = {
    f"ClusterVolumeSpec.{name}": "it belongs to swarms"
    for name in (
        "AccessMode.AccessibilityRequirements.Preferred[]",
        "AccessMode.AccessibilityRequirements.Requisite[]",
        "AccessMode.Availability",
        "AccessMode.CapacityRange.LimitBytes",
        "AccessMode.CapacityRange.RequiredBytes",
        "AccessMode.MountVolume",
        "AccessMode.Scope",
        "AccessMode.Secrets[].Key",
        "AccessMode.Secrets[].Secret",
        "AccessMode.Sharing",
        "Group",
    )
}

"""Words of a Service that can reach beyond its container; most need the environment's ``allow``.

Their short and list forms become these in ``privilege_forms.py``; what of them is granted is in ``allow.py``.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from specs.container_types import Capability, sort_once
from specs.model import Model, Name, Text

_SERVICE = r"service:[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DEVICE = re.compile(r"(?P<host>/[^\x00:]+)(?::(?P<inside>/[^\x00:]+))?(?::(?P<may>[rwm]{1,3}))?")
_SECURITY = re.compile(
    r"no-new-privileges=(?:true|false)|seccomp=unconfined|apparmor=[A-Za-z0-9_.-]{1,100}"
    r"|label=[A-Za-z0-9_.:,-]{1,200}"
)


def read_device(value: object) -> object:
    """``/dev/kvm``, or Compose's long form, -> ``/dev/kvm:/dev/kvm:rwm``. Raises ValueError."""
    if isinstance(value, Mapping) and value.keys() <= {"source", "target", "permissions"}:
        source = value.get("source", "")
        value = f"{source}:{value.get('target', source)}:{value.get('permissions', 'rwm')}"
    if not isinstance(value, str):
        return value
    match = _DEVICE.fullmatch(value) if len(value) <= 512 else None
    if match is None or ".." in value.split("/"):
        raise ValueError("expected a device such as /dev/kvm or /dev/ttyUSB0:/dev/serial:rw")
    may = "".join(letter for letter in "rwm" if letter in (match["may"] or "rwm"))
    return f"{match['host']}:{match['inside'] or match['host']}:{may}"


def read_security_option(text: str) -> str:
    """``no-new-privileges:true`` -> ``no-new-privileges=true``. Raises ValueError."""
    name, separator, value = text.partition("=" if "=" in text else ":")
    option = f"{name}={value}" if separator else f"{name}=true"
    if not _SECURITY.fullmatch(option):
        raise ValueError(
            "expected no-new-privileges, seccomp=unconfined, apparmor=NAME or label=VALUE; "
            "profiles in files are not taken"
        )
    return option


DeviceMapping = Annotated[str, BeforeValidator(read_device), WithJsonSchema({"type": ["string", "object"]})]
"""``/dev/on-host:/dev/in-container:rwm``."""
DeviceRule = Annotated[
    str, StringConstraints(pattern=r"^[abc] ([0-9]{1,4}|\*):([0-9]{1,4}|\*) (r|w|m|rw|rm|wm|rwm)$")
]
SecurityOption = Annotated[str, AfterValidator(read_security_option)]
NETWORK_MODE = rf"^(none|host|{_SERVICE})$"
IPC_MODE = rf"^(none|private|shareable|host|{_SERVICE})$"
PID_MODE = rf"^(host|{_SERVICE})$"
NetworkMode = Annotated[str, StringConstraints(pattern=NETWORK_MODE)]
IpcMode = Annotated[str, StringConstraints(pattern=IPC_MODE)]
PidMode = Annotated[str, StringConstraints(pattern=PID_MODE)]
CgroupParent = Annotated[str, StringConstraints(pattern=r"^/?[A-Za-z0-9][A-Za-z0-9/._@-]{0,199}$")]
MacAddress = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{2}:){5}[0-9a-f]{2}$")]


def canonical_address(text: str) -> str:
    """An IP address in the one way that the engine writes it. Raises ValueError."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("expected an address such as 10.10.0.5 or fd00::5") from None


def _is_version(number: int, text: str) -> str:
    address = ipaddress.ip_address(canonical_address(text))
    if address.version != number:
        raise ValueError(f"expected an IPv{number} address")
    return str(address)


Address = Annotated[str, AfterValidator(canonical_address)]
Address4 = Annotated[str, AfterValidator(lambda text: _is_version(4, text))]
Address6 = Annotated[str, AfterValidator(lambda text: _is_version(6, text))]


class Attachment(Model):
    """Membership of a Network."""

    aliases: tuple[Name, ...] = ()
    ipv4_address: Address4 | None = None
    ipv6_address: Address6 | None = None
    link_local_ips: tuple[Address, ...] = ()
    mac_address: MacAddress | None = None
    priority: Annotated[int, Field(ge=-1000, le=1000)] = 0

    @property
    def is_static(self) -> bool:
        """Whether two instances could not be attached at once."""
        addresses = (self.ipv4_address, self.ipv6_address, self.mac_address)
        return any(address is not None for address in addresses) or self.link_local_ips != ()


def read_count(value: object) -> object:
    """``all`` -> -1."""
    return -1 if value == "all" else value


def read_gpus(value: object) -> object:
    """``all`` -> one request for all of them. Lists of JSON become tuples, as the models have them."""
    if value == "all":
        return ({"count": -1},)
    if not isinstance(value, list):
        return value
    return tuple(_as_tuples(item) for item in value)


def _as_tuples(item: object) -> object:
    if not isinstance(item, dict):
        return item
    return {key: tuple(part) if isinstance(part, list) else part for key, part in item.items()}


DeviceId = Annotated[Text, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,64}$")]


class Gpu(Model):
    """A request for GPUs (the engine's device request). ``count`` is a number or all, which is -1."""

    driver: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")] | None = None
    count: (
        Annotated[
            int,
            Field(ge=-1, le=256),
            BeforeValidator(read_count),
            WithJsonSchema({"anyOf": [{"const": "all"}, {"type": "integer"}]}),
        ]
        | None
    ) = None
    device_ids: tuple[DeviceId, ...] = ()
    capabilities: tuple[Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,32}$")], ...] = ("gpu",)

    @model_validator(mode="after")
    def _counts_or_names(self) -> Self:
        if (self.count is None) == (not self.device_ids):
            raise ValueError("expected either count or device_ids")
        return self


class Privileges(Model):
    """What reaches beyond the container. The environment's ``allow`` names each exactly."""

    privileged: bool = Field(
        default=False, description="All capabilities and devices; needs allow.privileged."
    )
    cap_add: Annotated[tuple[Capability, ...], AfterValidator(sort_once)] = Field(
        default=(), description="More capabilities; needs allow.cap_add.", examples=[["NET_ADMIN"]]
    )
    devices: tuple[DeviceMapping, ...] = Field(
        default=(), description="Devices of the host; needs allow.devices.", examples=[["/dev/kvm"]]
    )
    device_cgroup_rules: Annotated[tuple[DeviceRule, ...], AfterValidator(sort_once)] = Field(
        default=(), description="Rules for devices; needs allow.device_cgroup_rules."
    )
    gpus: Annotated[tuple[Gpu, ...], BeforeValidator(read_gpus)] = Field(
        default=(), description="GPUs; needs allow.gpus.", examples=["all"]
    )
    security_opt: Annotated[tuple[SecurityOption, ...], AfterValidator(sort_once)] = Field(
        default=(),
        description="no-new-privileges is free; others need allow.security_opt.",
        examples=[["no-new-privileges:true"]],
    )
    network_mode: NetworkMode | None = Field(
        default=None, description="none, service:NAME, or host, which needs allow.network_mode."
    )
    ipc: IpcMode | None = Field(
        default=None, description="none, private, shareable, service:NAME, or host, which needs allow.ipc."
    )
    pid: PidMode | None = Field(default=None, description="service:NAME, or host, which needs allow.pid.")
    uts: Literal["host"] | None = Field(default=None, description="host, which needs allow.uts.")
    userns_mode: Literal["host"] | None = Field(
        default=None, description="host, which needs allow.userns_mode."
    )
    cgroup: Literal["host", "private"] | None = Field(
        default=None, description="private, or host, which needs allow.cgroup."
    )
    cgroup_parent: CgroupParent | None = Field(
        default=None, description="The parent cgroup on the host; needs allow.cgroup_parent."
    )


def joined_service(mode: str | None) -> str | None:
    """The service whose namespace a mode names; None for the other modes."""
    return mode.removeprefix("service:") if mode is not None and mode.startswith("service:") else None


JOINING = ("network_mode", "ipc", "pid")
"""Words that can join the namespace of another service's instance."""


def joined_services(service: Privileges) -> dict[str, str]:
    """Word -> the service whose instance it joins."""
    modes = {"network_mode": service.network_mode, "ipc": service.ipc, "pid": service.pid}
    return {word: name for word, mode in modes.items() if (name := joined_service(mode)) is not None}

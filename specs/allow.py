"""``allow`` of an Environment: exactly what its services get beyond the safe set (contracts, section 9)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Final, NamedTuple

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from specs.model import Model
from specs.mounts import READABLE_HOST_FILES
from specs.privilege import Gpu, Privileges
from specs.service import BindOptions, Mount, Service

EVERY: Final = "*"
ServiceName = Annotated[str, StringConstraints(pattern=r"^(\*|[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)$")]


def read_granted(value: object) -> object:
    """A list of values is for every service."""
    if not isinstance(value, tuple | list):
        return value
    if not all(isinstance(item, str) for item in value):
        raise ValueError("expected a list of texts, or a mapping from value to services")
    return {str(item): (EVERY,) for item in value}


_TEXTS: Final = {"type": "array", "items": {"type": "string"}}
Granted = Annotated[
    dict[str, tuple[ServiceName, ...]],
    BeforeValidator(read_granted),
    WithJsonSchema({"anyOf": [_TEXTS, {"type": "object", "additionalProperties": _TEXTS}]}),
]
"""Value -> the services that get it; ``*`` is every service."""


class Allowed(Model):
    """Exactly what a service of this environment may be given beyond the safe set."""

    host_mounts: tuple[str, ...] = Field(
        default=(), description="Host paths; with :rshared or :shared where mounts may travel to the host."
    )
    privileged: tuple[ServiceName, ...] = Field(default=(), description="Services that may be privileged.")
    cap_add: Granted = Field(default={}, description="Capabilities, without CAP_.")
    devices: Granted = Field(default={}, description="Devices, by their path on the host.")
    device_cgroup_rules: Granted = Field(default={}, description="Rules, as services write them.")
    gpus: Granted = Field(default={}, description="all, a count, or the ids of devices.")
    security_opt: Granted = Field(default={}, description="Options such as seccomp=unconfined.")
    ipc: Granted = Field(default={}, description="host: the host's own, instead of one of its own.")
    pid: Granted = Field(default={}, description="host: the host's own, instead of one of its own.")
    uts: Granted = Field(default={}, description="host: the host's own, instead of one of its own.")
    userns_mode: Granted = Field(default={}, description="host: the host's own, instead of one of its own.")
    cgroup: Granted = Field(default={}, description="host: the host's own, instead of one of its own.")
    cgroup_parent: Granted = Field(default={}, description="Parent cgroups.")
    network_mode: Granted = Field(default={}, description="host: the host's own, instead of one of its own.")

    def grants(self, word: str, value: str, service_name: str) -> bool:
        """Whether a service may be given this value of a word."""
        if word == "host_mounts":
            return value in self.host_mounts
        if word == "privileged":
            names = self.privileged
        else:
            granted: Mapping[str, tuple[str, ...]] = getattr(self, word)
            names = granted.get(value, ())
        return EVERY in names or service_name in names


LISTS: Final = tuple(name for name in Allowed.model_fields if name not in ("host_mounts", "privileged"))
"""Words whose values may be written as a list."""


class Need(NamedTuple):
    """Something of a service that ``allow`` must name: the word there, the value, and where it stands."""

    word: str
    value: str
    path: tuple[int | str, ...]

    @property
    def line(self) -> str:
        """What to write under the environment's spec."""
        return f"allow: {{{self.word}: [{_quoted(self.value)}]}}"


def needs(name: str, service: Service) -> Iterator[Need]:
    """Everything that a service asks for beyond the safe set."""
    if service.privileged:
        yield Need("privileged", name, ("privileged",))
    for word, values in _lists(service).items():
        for index, value in enumerate(values):
            yield Need(word, value, (word, index))
    modes = {word: getattr(service, word) for word in _MODES}
    for word, mode in modes.items():
        if mode == "host":
            yield Need(word, "host", (word,))
    if service.cgroup_parent is not None:
        yield Need("cgroup_parent", service.cgroup_parent, ("cgroup_parent",))
    for index, gpu in enumerate(service.gpus):
        for value in gpu_values(gpu):
            yield Need("gpus", value, ("gpus", index))
    for target, mount in service.volumes.items():
        if (path := host_path(mount)) is not None:
            yield Need("host_mounts", path, ("volumes", target))


_MODES: Final = ("ipc", "pid", "uts", "userns_mode", "cgroup", "network_mode")


def _lists(service: Privileges) -> dict[str, tuple[str, ...]]:
    return {
        "cap_add": service.cap_add,
        "devices": tuple(device.partition(":")[0] for device in service.devices),
        "device_cgroup_rules": service.device_cgroup_rules,
        "security_opt": tuple(o for o in service.security_opt if o not in FREE_SECURITY_OPTIONS),
    }


FREE_SECURITY_OPTIONS: Final = ("no-new-privileges=true", "no-new-privileges=false")


def gpu_values(gpu: Gpu) -> tuple[str, ...]:
    """What ``allow.gpus`` must name for a request."""
    if gpu.count is None:
        return gpu.device_ids
    return ("all" if gpu.count == -1 else str(gpu.count),)


def host_path(mount: Mount) -> str | None:
    """What ``allow.host_mounts`` must name for a mount; None when it needs nothing."""
    if mount.type != "bind" or mount.source is None:
        return None
    if mount.source in READABLE_HOST_FILES and mount.read_only and mount.bind in (None, BindOptions()):
        return None
    spreads = mount.bind is not None and mount.bind.propagation in ("shared", "rshared")
    return f"{mount.source}:{mount.bind.propagation}" if mount.bind and spreads else mount.source


def missing(allowed: Allowed, name: str, service: Service) -> list[Need]:
    """What a service asks for that the environment does not allow."""
    return [need for need in needs(name, service) if not allowed.grants(need.word, need.value, name)]


def named_services(allowed: Allowed) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Where ``allow`` names services -> their names."""
    yield ("privileged",), tuple(name for name in allowed.privileged if name != EVERY)
    for word in LISTS:
        granted: Mapping[str, tuple[str, ...]] = getattr(allowed, word)
        for value, names in granted.items():
            yield (word, value), tuple(name for name in names if name != EVERY)


def _quoted(value: str) -> str:
    return value if value.replace("-", "").replace("_", "").replace("/", "").isalnum() else f'"{value}"'
